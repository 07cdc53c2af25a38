import { operationsOf } from "../../history/mod.ts";
import { microOpsOf } from "../micro-ops.ts";
import { textOfJson } from "../shape.ts";
import { checker } from "../verdict.ts";
import { explainStuck } from "./explain.ts";
import type { Call, Model } from "./model.ts";
import { type Budget, checkPartitions } from "./partitions.ts";
import { Values } from "./register.ts";

interface Access {
  readonly kind: "r" | "w";
  /** Place of the register in the state. */
  readonly at: number;
  readonly value: number;
}

interface Transaction {
  readonly accesses: readonly Access[];
  readonly text: string;
}

/**
 * Transactions over several registers, as one object: all of a transaction's reads and writes happen at one moment, in its order. Operations: `txn` with a list
 * of `["r", key, value]` (asked with null) and `["w", key, value]`. Keys cannot be judged apart, so histories have to be short or have few clients;
 * `rwRegister` judges long ones.
 */
export const multiRegisters = checker<Budget>("linearizable multi-key registers", (history, budget) => {
  const keys = new Values("");
  const values = new Values("null");
  const calls: Call<Transaction>[] = [];
  let judged = 0;
  for (const operation of operationsOf(history)) {
    if (operation.f !== "txn" || operation.outcome === "fail") continue;
    // What a crashed transaction read is not known, and does not matter.
    const known = operation.outcome === "ok";
    const all = microOpsOf(operation, known ? operation.output : operation.input, ["r", "w"]);
    const accesses = all
      .filter(([kind]) => known || kind === "w")
      .map(([kind, key, value]): Access => {
        return { kind: kind as Access["kind"], at: keys.number(key) - 1, value: values.number(textOfJson(value)) };
      });
    calls.push({
      op: {
        accesses,
        text: accesses.map(({ kind, at, value }) => `${kind} ${keys.text(at + 1)} ${values.text(value)}`).join(", "),
      },
      invoked: operation.index,
      returned: operation.returned,
    });
    if (known) judged++;
  }
  const model = multiRegisterModel(keys, values);
  const result = checkPartitions([{ name: "all registers", model, calls }], budget);
  const anomalies = result.kind === "illegal" ? [explainStuck(result.name, model, result.stuck)] : [];
  const undecided = result.kind === "unknown" ? result.why : undefined;
  return { anomalies, judged, of: "transactions", undecided, figures: { steps: result.steps } };
});

function multiRegisterModel(keys: Values, values: Values): Model<readonly number[], Transaction> {
  return {
    initial: Array.from({ length: keys.count - 1 }, () => 0),
    step(state, { accesses }) {
      let after: number[] | undefined;
      for (const { kind, at, value } of accesses) {
        if (kind === "w") {
          after ??= [...state];
          after[at] = value;
        } else if ((after ?? state)[at] !== value) return undefined;
      }
      return after ?? state;
    },
    isRead: ({ accesses }) => accesses.every(({ kind }) => kind === "r"),
    hash: (state) => state.reduce((hash, value) => Math.imul(hash ^ value, 0x9e3779b1), 7),
    equal: (a, b) => a.every((value, at) => value === b[at]),
    describe: ({ text }) => `[${text}]`,
    describeState: (state) => state.map((value, at) => `${keys.text(at + 1)} = ${values.text(value)}`).join(", "),
  };
}
