import { multiRegisters } from "../checkers/mod.ts";
import { drawTransaction, transact } from "./register-transactions.ts";
import type { Workload, WorkloadContext, WorkloadDefinition } from "./workload.ts";

const keysOfGroup = 3;
/** To decide of many transactions over the same keys whether they have an order takes long: after so many come other keys. */
const transactionsOfGroup = 40;

/** Transactions that read and write a few registers at once, all of them together as one object. */
export const multiRegister: WorkloadDefinition = {
  name: "multi-register",
  summary: "transactions of reads and writes of several keys",
  start,
  judge: (history) => [multiRegisters(history, { steps: 20_000_000 })],
};

function start(context: WorkloadContext): Workload {
  let transactions = 0;
  return {
    step(client) {
      const group = Math.floor(transactions++ / transactionsOfGroup);
      const keys = Array.from({ length: keysOfGroup }, (_, key) => `m${group}/${key}`);
      return transact(
        context,
        client,
        drawTransaction(client, keys, () => context.unique()),
      );
    },
  };
}
