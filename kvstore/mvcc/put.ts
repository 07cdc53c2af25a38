import type { PutRequest } from "../../proto/mod.ts";
import type { PutAnswer } from "./answers.ts";
import { toByteString } from "./byte-string.ts";
import { type Failure, fail } from "./failure.ts";
import { parseRecord, valueIn } from "./record.ts";
import type { LeaseItems, ReadView, WriteView } from "./store.ts";

/** What could make a put fail when it is applied. */
export function checkPut(
  view: ReadView,
  leases: LeaseItems,
  request: PutRequest,
): Failure<"LeaseNotFound" | "KeyNotFound"> | undefined {
  if (request.lease !== 0n && !leases.has(request.lease)) return fail("LeaseNotFound");
  if (!request.ignoreValue && !request.ignoreLease) return undefined;
  return view.get(toByteString(request.key)) === undefined ? fail("KeyNotFound") : undefined;
}

/** After `checkPut`. */
export function put(view: WriteView, request: PutRequest): PutAnswer {
  const key = toByteString(request.key);
  const { prevKv, ignoreValue, ignoreLease } = request;
  const before = prevKv || ignoreValue || ignoreLease ? view.get(key) : undefined;
  const previous = before !== undefined && (prevKv || ignoreValue) ? view.recordOf(before) : undefined;
  const value = ignoreValue && previous !== undefined ? valueIn(parseRecord(previous)) : request.value;
  const lease = ignoreLease && before !== undefined ? before.lease : request.lease;
  view.put(key, value, lease);
  return {
    header: { revision: view.revision },
    prevKv: prevKv ? previous : undefined,
  };
}
