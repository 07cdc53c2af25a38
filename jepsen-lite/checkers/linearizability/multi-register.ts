import { type Operation, operationsOf } from "../../history/mod.ts";
import { type MicroOp, microOpsOf } from "../micro-ops.ts";
import { textOfJson } from "../shape.ts";
import { checker } from "../verdict.ts";
import { explainStuck } from "./explain.ts";
import type { Call, Model } from "./model.ts";
import { type Budget, checkPartitions, type Partition } from "./partitions.ts";
import { Values } from "./register.ts";
import { Search } from "./search.ts";

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
 * Transactions over several registers: all of a transaction's reads and writes happen at one moment, in its order. Operations: `txn` with a list of
 * `["r", key, value]` (asked with null) and `["w", key, value]`. Keys that no transaction links are objects of their own; those that are linked cannot be judged
 * apart, so there have to be few transactions of each, or few clients. `rwRegister` judges long histories.
 */
export const multiRegisters = checker<Budget>("linearizable multi-key registers", (history, budget) => {
  const operations = operationsOf(history).filter(({ f, outcome }) => f === "txn" && outcome !== "fail");
  const values = new Values("null");
  const parts = linkedParts(withoutUnseen(operations.map(linkOf))).map((part) => partitionOf(part, values));
  const result = checkPartitions(parts, budget);
  const judged = operations.filter(({ outcome }) => outcome === "ok").length;
  const figures = { steps: result.steps, objects: parts.length };
  if (result.kind === "illegal") {
    const { model } = parts.find(({ name }) => name === result.name) as (typeof parts)[number];
    return { anomalies: [explainStuck(result.name, model, result.stuck)], judged, of: "transactions", figures };
  }
  const undecided = result.kind === "unknown" ? `${result.why} to decide ${result.undecided}` : undefined;
  return { anomalies: [], judged, of: "transactions", undecided, figures };
});

interface Link {
  readonly operation: Operation;
  readonly microOps: readonly MicroOp[];
}

function linkOf(operation: Operation): Link {
  // What a crashed transaction read is not known, and does not matter.
  const known = operation.outcome === "ok";
  const all = microOpsOf(operation, known ? operation.output : operation.input, ["r", "w"]);
  return { operation, microOps: known ? all : all.filter(([kind]) => kind === "w") };
}

/**
 * Without crashed transactions of which nobody ever read a value that they may have written: what is read without them is what is read with them, so that they need
 * not have happened.
 */
function withoutUnseen(links: readonly Link[]): Link[] {
  const place = ([, key, value]: MicroOp) => `${key}\0${textOfJson(value)}`;
  const seen = new Set<string>();
  for (const { microOps } of links) for (const micro of microOps) if (micro[0] === "r") seen.add(place(micro));
  return links.filter(
    ({ operation, microOps }) => operation.outcome === "ok" || microOps.some((micro) => seen.has(place(micro))),
  );
}

interface RegistersTogether extends Partition<Transaction> {
  readonly model: Model<readonly number[], Transaction>;
}

/** Transactions in groups that have no key in common, each in its order. */
function linkedParts(links: readonly Link[]): Link[][] {
  const parent = new Map<string, string>();
  const root = (key: string): string => {
    let at = key;
    for (let up = parent.get(at) ?? at; up !== at; up = parent.get(at) ?? at) at = up;
    parent.set(key, at);
    return at;
  };
  for (const { microOps } of links)
    for (const [, key] of microOps) parent.set(root(key), root((microOps[0] as MicroOp)[1]));
  const parts = new Map<string, Link[]>();
  for (const link of links) {
    const [first] = link.microOps;
    if (first === undefined) continue;
    const part = parts.get(root(first[1]));
    if (part === undefined) parts.set(root(first[1]), [link]);
    else part.push(link);
  }
  return [...parts.values()];
}

function partitionOf(links: readonly Link[], values: Values): RegistersTogether {
  const keys = new Values("");
  const calls = links.map(({ operation: { index, returned }, microOps }): Call<Transaction> => {
    const accesses = microOps.map(([kind, key, value]): Access => {
      return { kind: kind as Access["kind"], at: keys.number(key) - 1, value: values.number(textOfJson(value)) };
    });
    const said = accesses.map(({ kind, at, value }) => `${kind} ${keys.text(at + 1)} ${values.text(value)}`);
    return { op: { accesses, text: said.join(", ") }, invoked: index, returned };
  });
  const name = `registers ${Array.from({ length: keys.count - 1 }, (_, at) => keys.text(at + 1)).join(", ")}`;
  const model = multiRegisterModel(keys, values);
  return { name, model, search: () => new Search(model, calls) };
}

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
