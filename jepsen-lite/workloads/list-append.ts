import { listAppend as judge } from "../checkers/mod.ts";
import type { Json } from "../history/mod.ts";
import { readTogether, writeUnlessChanged } from "./guarded.ts";
import { nothing, performRead, performWrite } from "./perform.ts";
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
  judge: (history) => [judge(history, {})],
};

function start(context: WorkloadContext): Workload {
  const draw = ({ chance }: WorkloadClient): MicroOp[] =>
    Array.from({ length: chance.between(1, 4) }, () => {
      const key = `a${chance.below(context.keys)}`;
      return chance.percent(50) ? ["r", key, null] : ["append", key, context.unique()];
    });

  async function transact(client: WorkloadClient, operations: readonly MicroOp[]): Promise<Json | typeof nothing> {
    const found = await readTogether(client, [...new Set(operations.map(([, key]) => key))]);
    const lists = new Map(
      found.map(({ key, value }) => [key, value === undefined ? null : (JSON.parse(value) as Json[])]),
    );
    const written = new Map<string, string>();
    const done = operations.map(([kind, key, value]): Json => {
      if (kind === "r") return ["r", key, lists.get(key) ?? null];
      const list = [...(lists.get(key) ?? []), value];
      lists.set(key, list);
      written.set(key, JSON.stringify(list));
      return [kind, key, value];
    });
    return written.size === 0 || (await writeUnlessChanged(client, found, written)) ? done : nothing;
  }

  return {
    async step(client) {
      const operations = draw(client);
      const perform = operations.some(([kind]) => kind === "append") ? performWrite : performRead;
      await perform(context, client, "txn", operations, () => transact(client, operations));
    },
    async finish(client) {
      if (client.number > 0) return;
      const all = Array.from({ length: context.keys }, (_, key): MicroOp => ["r", `a${key}`, null]);
      await performRead(context, client, "txn", all, () => transact(client, all));
    },
  };
}
