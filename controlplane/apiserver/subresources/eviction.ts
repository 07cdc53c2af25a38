import { Eviction } from "../../api/mod.ts";
import { decodeBody } from "../handlers/decode-body.ts";
import { encodeStatus } from "../handlers/encode.ts";
import { contextOf, isDryRun } from "../handlers/write.ts";
import type { Call } from "../http/call.ts";
import type { Reply } from "../http/reply.ts";
import type { Deleter } from "../registry/deleter.ts";
import type { Served } from "../registry/served.ts";

/** POST pods/NAME/eviction: a DELETE that disruption budgets could refuse. PodDisruptionBudgets are not served: none does. */
export async function evict(pods: Served, call: Call, deleter: Deleter): Promise<Reply> {
  const eviction = (await decodeBody(call, { schema: Eviction, gvk: Eviction.gvk })) as unknown as Eviction;
  const { namespace, name } = call.info;
  const options = eviction.deleteOptions ?? {};
  const dryRun = isDryRun([...call.query.getAll("dryRun"), ...(options.dryRun ?? [])]);
  await deleter.delete(pods, namespace, name, options, { ...contextOf(call), dryRun });
  return encodeStatus(call, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 }, 201);
}
