import { patch } from "../handlers/patch.ts";
import { get } from "../handlers/read.ts";
import type { SubresourceHandlers } from "../handlers/resources.ts";
import { update } from "../handlers/write.ts";
import type { Call } from "../http/call.ts";
import type { Served } from "../registry/served.ts";
import type { Writer } from "../registry/writer.ts";

/** The status of any kind that has one: read like the object, written alone. */
export function statusHandlers(writer: Writer): SubresourceHandlers {
  return {
    get,
    update: (served: Served, call: Call) => update(served, call, writer),
    patch: (served: Served, call: Call) => patch(served, call, writer),
  };
}
