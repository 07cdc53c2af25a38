import type { DeleteRangeRequest, Encoded, KeyValue } from "../../proto/mod.ts";
import type { DeleteRangeAnswer } from "./answers.ts";
import { keyRange } from "./key-range.ts";
import type { WriteView } from "./store.ts";

export function deleteRange(view: WriteView, request: DeleteRangeRequest): DeleteRangeAnswer {
  const keys = keyRange(request.key, request.rangeEnd);
  const prevKvs: Encoded<KeyValue>[] = [];
  if (request.prevKv) view.visit(keys, (entry) => prevKvs.push(view.recordOf(entry)) > 0);
  const deleted = view.deleteRange(keys);
  return { header: { revision: view.revision }, deleted, prevKvs };
}
