import { CompareResult, CompareTarget } from "../../proto/mod.ts";
import { listAppend as listAppendChecker } from "../checkers/mod.ts";
import type { Json } from "../history/mod.ts";
import { bytes, perform, reading, text } from "./perform.ts";
import type { Workload, WorkloadClient, WorkloadContext, WorkloadDefinition } from "./workload.ts";

type MicroOp = readonly ["r" | "append", string, Json];

/**
 * Transactions that read lists and append to them: one that reads, then one that writes if nothing has changed since (jepsen.etcd's
 * append). One that only reads is over with the first.
 */
export const listAppend: WorkloadDefinition = {
  name: "list-append",
  summary: "transactions that append to lists and read them",
  start,
  judge: (history) => [listAppendChecker(history, {})],
};

function start(context: WorkloadContext): Workload {
  const draw = ({ chance }: WorkloadClient): MicroOp[] =>
    Array.from({ length: chance.between(1, 4) }, () => {
      const key = `a${chance.below(context.keys)}`;
      return chance.percent(50) ? ["r", key, null] : ["append", key, context.unique()];
    });

  async function transact({ etcd }: WorkloadClient, operations: readonly MicroOp[]): Promise<Json | "nothing"> {
    const keys = [...new Set(operations.map(([, key]) => key))];
    const { responses, header } = await reading(
      etcd.kv.txn({ success: keys.map((key) => ({ requestRange: { key: bytes(key) } })), failure: [] }),
    );
    const found = keys.map((_, at) => responses[at]?.responseRange?.kvs[0]);
    const lists = new Map(keys.map((key, at) => [key, listOf(found[at]?.value)]));
    const done = operations.map(([kind, key, value]): Json => {
      if (kind === "r") return ["r", key, lists.get(key) ?? null];
      lists.set(key, [...(lists.get(key) ?? []), value]);
      return [kind, key, value];
    });
    if (operations.every(([kind]) => kind === "r")) return done;
    const written = [...new Set(operations.filter(([kind]) => kind === "append").map(([, key]) => key))];
    const { succeeded } = await etcd.kv.txn({
      compare: keys.map((key, at) => {
        const modRevision = found[at]?.modRevision;
        // A key that is not there has no revision to compare: it must not have come since.
        const isThere = modRevision !== undefined;
        return {
          key: bytes(key),
          target: isThere ? CompareTarget.MOD : CompareTarget.CREATE,
          result: CompareResult.EQUAL,
          ...(isThere ? { modRevision } : { createRevision: 0 }),
        };
      }),
      success: written.map((key) => ({
        requestPut: { key: bytes(key), value: bytes(JSON.stringify(lists.get(key))) },
      })),
    });
    return succeeded && header !== undefined ? done : "nothing";
  }

  return {
    async step(client) {
      const operations = draw(client);
      const isWrite = operations.some(([kind]) => kind === "append");
      await perform(context, client, "txn", operations, isWrite, () => transact(client, operations));
    },
    async finish(client) {
      if (client.number > 0) return;
      const all = Array.from({ length: context.keys }, (_, key): MicroOp => ["r", `a${key}`, null]);
      await perform(context, client, "txn", all, false, () => transact(client, all));
    },
  };
}

function listOf(value: Uint8Array | undefined): Json[] | null {
  return value === undefined ? null : (JSON.parse(text(value)) as Json[]);
}
