import { rwRegister as judge } from "../checkers/mod.ts";
import { drawTransaction, transact } from "./register-transactions.ts";
import type { Workload, WorkloadContext, WorkloadDefinition } from "./workload.ts";

/** Transactions that read and write registers, each value written once: Elle's rw-register. */
export const rwRegister: WorkloadDefinition = {
  name: "rw-register",
  summary: "transactions of reads and writes, each value written once",
  start,
  judge: (history) => [judge(history, { linearizableKeys: true })],
};

function start(context: WorkloadContext): Workload {
  const keys = Array.from({ length: context.keys + 1 }, (_, key) => `w${key}`);
  return {
    step: (client) =>
      transact(
        context,
        client,
        drawTransaction(client, keys, () => context.unique()),
      ),
    async finish(client) {
      if (client.number === 0)
        await transact(
          context,
          client,
          keys.map((key) => ["r", key, null]),
        );
    },
  };
}
