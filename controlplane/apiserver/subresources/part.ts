import { patch } from "../handlers/patch.ts";
import { get } from "../handlers/read.ts";
import type { SubresourceHandlers } from "../handlers/resources.ts";
import { update } from "../handlers/write.ts";
import type { Call } from "../http/call.ts";
import type { Served } from "../registry/served.ts";
import type { Writer } from "../registry/writer.ts";

/** The status and other parts of an object: read like the whole, written alone. What belongs to a part is the kind's to say. */
export function partHandlers(writer: Writer): SubresourceHandlers {
  return {
    get,
    update: (served: Served, call: Call) => update(served, call, writer),
    patch: (served: Served, call: Call) => patch(served, call, writer),
  };
}
