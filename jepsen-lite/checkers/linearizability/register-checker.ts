import { type Operation, operationsOf } from "../../history/mod.ts";
import { fieldsOf, optionalNumber, textOfJson, wrongShape } from "../shape.ts";
import { checker } from "../verdict.ts";
import { explainStuck } from "./explain.ts";
import { JustInTimeSearch } from "./just-in-time/search.ts";
import type { Call, Model } from "./model.ts";
import { type Budget, checkPartitions, type Partition } from "./partitions.ts";
import { type RegisterOp, registerModel, unknownVersion, Values } from "./register.ts";
import { Search } from "./search.ts";

/**
 * Linearizability of registers, each key by itself. Operations, all with a `key`; `null` is the value of a register that was not written:
 *
 * | f | asks | gets |
 * |---|---|---|
 * | `read` | `{ key }` | `{ key, value, version? }` |
 * | `write` | `{ key, value }` | `{ key, value, version? }` |
 * | `cas` | `{ key, from, to }` | `{ key, from, to, succeeded?, version? }`; `succeeded: false` says that it found something else |
 *
 * `version` is the register's number of changes after the operation (etcd's `version` of a key that is never deleted). Others' operations are left alone.
 */
export const registers = checker<Budget>("linearizable registers", (history, budget) => {
  const byKey = new Map<string, Operation[]>();
  let judged = 0;
  for (const operation of operationsOf(history)) {
    if (operation.outcome === "fail" || !kinds.has(operation.f)) continue;
    const key = textOfJson(fieldsOf(operation, operation.input).key);
    const ofKey = byKey.get(key);
    if (ofKey === undefined) byKey.set(key, [operation]);
    else ofKey.push(operation);
    if (operation.outcome === "ok") judged++;
  }
  const result = checkPartitions(partitionsOf(byKey), budget);
  const figures = { keys: byKey.size, steps: result.steps };
  if (result.kind === "unknown")
    return {
      anomalies: [],
      judged,
      of: "operations",
      figures,
      undecided: `${result.why} to decide ${result.undecided}`,
    };
  if (result.kind === "legal") return { anomalies: [], judged, of: "operations", figures };
  const { model } = partitionOf(result.name, byKey.get(result.name) as Operation[]);
  return {
    anomalies: [explainStuck(`register ${result.name}`, model, result.stuck)],
    judged,
    of: "operations",
    figures,
  };
});

const kinds: ReadonlySet<string> = new Set(["read", "write", "cas"]);

interface Register extends Partition<RegisterOp> {
  readonly model: Model<number, RegisterOp>;
}

function* partitionsOf(byKey: ReadonlyMap<string, readonly Operation[]>): Generator<Register> {
  for (const [key, operations] of byKey) yield partitionOf(key, operations);
}

function partitionOf(name: string, operations: readonly Operation[]): Register {
  const values = new Values("null");
  const calls = operations.map((operation): Call<RegisterOp> => {
    return { op: registerOp(operation, values), invoked: operation.index, returned: operation.returned };
  });
  const ops = calls.map(({ op }) => op);
  const model = registerModel(ops, values);
  // Versions all but give the order; without them it takes a search that knows what a register is.
  const isVersioned = ops.some(({ version }) => version !== unknownVersion);
  return { name, model, search: () => (isVersioned ? new Search(model, calls) : new JustInTimeSearch(model, calls)) };
}

function registerOp(operation: Operation, values: Values): RegisterOp {
  const asked = fieldsOf(operation, operation.input);
  const got = operation.outcome === "ok" ? fieldsOf(operation) : asked;
  const version =
    operation.outcome === "ok" ? (optionalNumber(operation, got, "version") ?? unknownVersion) : unknownVersion;
  if (operation.f === "read") {
    if (operation.outcome === "ok" && got.value === undefined) throw wrongShape(operation, "has no value");
    return { kind: "read", value: values.number(textOfJson(got.value)), expected: 0, version };
  }
  if (operation.f === "write") {
    if (asked.value === undefined) throw wrongShape(operation, "has no value");
    return { kind: "write", value: values.number(textOfJson(asked.value)), expected: 0, version };
  }
  const expected = values.number(textOfJson(asked.from));
  const value = values.number(textOfJson(asked.to));
  if (operation.outcome === "ok" && got.succeeded === false)
    return { kind: "missed", value, expected, version: unknownVersion };
  return { kind: "cas", value, expected, version };
}
