import type { Init, RequestOp } from "../../proto/mod.ts";
import type { Json } from "../history/mod.ts";
import { bytes, performRead, performWrite, text } from "./perform.ts";
import type { WorkloadClient, WorkloadContext } from "./workload.ts";

export type RegisterOp = readonly ["r" | "w", string, number | null];

/** One to four reads and writes; no key is written twice, which etcd does not take. */
export function drawTransaction(
  { chance }: WorkloadClient,
  keys: readonly string[],
  value: () => number,
): RegisterOp[] {
  const written = new Set<string>();
  return Array.from({ length: chance.between(1, 4) }, (): RegisterOp => {
    const key = chance.pick(keys);
    if (written.has(key) || chance.percent(50)) return ["r", key, null];
    written.add(key);
    return ["w", key, value()];
  });
}

/** Carries them out, in their order, as one transaction of the store. */
export async function transact(context: WorkloadContext, client: WorkloadClient, operations: readonly RegisterOp[]) {
  const perform = operations.some(([kind]) => kind === "w") ? performWrite : performRead;
  await perform(context, client, "txn", operations, async () => {
    const { responses } = await client.etcd.kv.txn({ success: operations.map(requestOf) });
    return operations.map(([kind, key, value], at): Json => {
      if (kind === "w") return [kind, key, value];
      const kv = responses[at]?.responseRange?.kvs[0];
      return [kind, key, kv === undefined ? null : Number(text(kv.value))];
    });
  });
}

function requestOf([kind, name, value]: RegisterOp): Init<RequestOp> {
  const key = bytes(name);
  return kind === "r" ? { requestRange: { key } } : { requestPut: { key, value: bytes(String(value)) } };
}
