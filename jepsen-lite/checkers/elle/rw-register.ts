import { type History, type Json, type Operation, operationsOf } from "../../history/mod.ts";
import { type MicroOp, microOpsOf } from "../micro-ops.ts";
import { textOfJson, wrongShape } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";
import { about } from "./about.ts";
import { components } from "./components.ts";
import type { Step } from "./cycles.ts";
import { DependencyGraph, dependency } from "./graph.ts";
import { type Dependencies, type ElleOptions, judge } from "./judge.ts";

export interface RegisterOptions extends ElleOptions {
  /**
   * Take it that each key alone is linearizable (checked by `registers`, or promised by the store): a write that returned before another of its key was invoked
   * is the earlier version. Gives many more dependencies than what transactions read before they wrote.
   */
  readonly linearizableKeys?: boolean;
}

/**
 * Transactions that read and write registers. Operations: `txn`, a list of `["w", key, value]` and `["r", key, null]`, which comes back with the value read (null
 * before the first write). No value is written twice to a key.
 *
 * Versions' order is inferred: null is the first; what a transaction read comes before what it then wrote; and `linearizableKeys`.
 */
export const rwRegister = checker<RegisterOptions>("rw-register", (history, options) =>
  judge(analyse(history, options), options),
);

interface Write {
  readonly key: string;
  readonly value: Json;
  readonly operation: Operation;
  /** The transaction's number in the graph; -1 when it failed. */
  readonly node: number;
  /** The transaction wrote the key again, later. */
  followed: boolean;
  /** Versions that come after this one, as far as that is known. */
  readonly later: Set<Write>;
}

interface Key {
  readonly name: string;
  /** By value; null, the first version, is nobody's. */
  readonly writes: Map<Json, Write>;
  /** Who read which version. */
  readonly reads: { readonly node: number; readonly version: Write; readonly writes: boolean }[];
}

const nobody = { index: -1, outcome: "ok" } as Operation;

function analyse(history: History, { linearizableKeys = false }: RegisterOptions): Dependencies {
  const operations = operationsOf(history).filter(({ f }) => f === "txn");
  const transactions = operations.filter(({ outcome }) => outcome !== "fail");
  const microOps = transactions.map((operation) => microOpsOf(operation, operation.output, ["r", "w"]));
  const keys = new Map<string, Key>();
  const keyOf = (name: string): Key => {
    let key = keys.get(name);
    if (key === undefined) {
      const initial: Write = { key: name, value: null, operation: nobody, node: -1, followed: false, later: new Set() };
      key = { name, writes: new Map([[null, initial]]), reads: [] };
      keys.set(name, key);
    }
    return key;
  };
  for (let node = 0; node < transactions.length; node++)
    collectWrites(transactions[node] as Operation, node, microOps[node] as MicroOp[], keyOf);
  for (const operation of operations)
    if (operation.outcome === "fail")
      collectWrites(operation, -1, microOpsOf(operation, operation.input, ["r", "w"]), keyOf);

  const anomalies: Anomaly[] = [];
  for (let node = 0; node < transactions.length; node++) {
    const operation = transactions[node] as Operation;
    if (operation.outcome === "ok") collectReads(operation, node, microOps[node] as MicroOp[], keyOf, anomalies);
  }
  const graph = new DependencyGraph(transactions.length);
  const writes: Write[] = [];
  for (const key of keys.values()) {
    orderFromStart(key);
    if (linearizableKeys) orderByTime(key);
    findLostUpdates(key, transactions, anomalies);
    if (!findCyclicVersions(key, anomalies)) connect(key, graph, writes, anomalies);
  }
  return { transactions, graph, anomalies, say: (step) => sayStep(step, writes) };
}

function collectWrites(
  operation: Operation,
  node: number,
  microOps: readonly MicroOp[],
  keyOf: (name: string) => Key,
): void {
  const last = new Map<string, Write>();
  for (const [kind, name, value] of microOps) {
    if (kind !== "w") continue;
    const { writes } = keyOf(name);
    if (writes.has(value))
      throw wrongShape(operation, `writes ${textOfJson(value)} to ${name}, as another does: values have to be unique`);
    const write: Write = { key: name, value, operation, node, followed: false, later: new Set() };
    const earlier = last.get(name);
    if (earlier !== undefined) {
      earlier.followed = true;
      earlier.later.add(write);
    }
    last.set(name, write);
    writes.set(value, write);
  }
}

function collectReads(
  operation: Operation,
  node: number,
  microOps: readonly MicroOp[],
  keyOf: (name: string) => Key,
  anomalies: Anomaly[],
): void {
  /** Per key, what a read must find now. */
  const current = new Map<string, Json>();
  for (let i = 0; i < microOps.length; i++) {
    const [kind, name, value] = microOps[i] as MicroOp;
    const expected = current.get(name);
    if (kind === "w") {
      current.set(name, value);
      continue;
    }
    const key = keyOf(name);
    const version = key.writes.get(value);
    if (version?.operation === operation && expected !== value) {
      anomalies.push(
        about("future-read", `read ${textOfJson(value)} in ${name} before it wrote that itself`, operation),
      );
      continue;
    }
    if (expected !== undefined) {
      if (expected !== value) {
        const text = `read ${name} as ${textOfJson(value)} where its own earlier steps leave ${textOfJson(expected)}`;
        anomalies.push(about("internal", text, operation));
      }
      continue;
    }
    current.set(name, value);
    if (version === undefined) {
      anomalies.push(about("garbage-read", `read ${textOfJson(value)} in ${name}, which nobody wrote`, operation));
      continue;
    }
    if (version.node === -1 && version.value !== null)
      anomalies.push(
        about("G1a", `read ${textOfJson(value)} in ${name}, whose transaction failed`, operation, version.operation),
      );
    if (version.followed)
      anomalies.push(
        about(
          "G1b",
          `read ${textOfJson(value)} in ${name}, which its transaction wrote over`,
          operation,
          version.operation,
        ),
      );
    const written = microOps.slice(i).find(([otherKind, otherName]) => otherKind === "w" && otherName === name);
    key.reads.push({ node, version, writes: written !== undefined });
    if (written !== undefined) version.later.add(key.writes.get(written[2]) as Write);
  }
}

/** Whatever was committed, or seen, comes after null. */
function orderFromStart({ writes, reads }: Key): void {
  const initial = writes.get(null) as Write;
  const seen = new Set(reads.map(({ version }) => version));
  for (const write of writes.values())
    if (write !== initial && (write.operation.outcome === "ok" || seen.has(write))) initial.later.add(write);
}

/** By real time; only towards the next ones in time, for the rest follows. */
function orderByTime({ writes }: Key): void {
  const done = [...writes.values()]
    .filter(({ value, operation, followed }) => value !== null && operation.outcome === "ok" && !followed)
    .sort((a, b) => a.operation.returned - b.operation.returned);
  const byInvocation = [...done].sort((a, b) => a.operation.index - b.operation.index);
  let from = 0;
  for (const write of done) {
    while (from < byInvocation.length && (byInvocation[from] as Write).operation.index < write.operation.returned)
      from++;
    // Those invoked after the earliest return among them follow that one, and by it this one.
    let earliest = Infinity;
    for (let i = from; i < byInvocation.length; i++) {
      const next = byInvocation[i] as Write;
      if (next.operation.index > earliest) break;
      write.later.add(next);
      earliest = Math.min(earliest, next.operation.returned);
    }
  }
}

function findLostUpdates(key: Key, transactions: readonly Operation[], anomalies: Anomaly[]): void {
  const first = new Map<Write, number>();
  for (const { node, version, writes } of key.reads) {
    if (!writes) continue;
    const other = first.get(version);
    if (other === undefined) first.set(version, node);
    else if (other !== node) {
      const text = `read ${textOfJson(version.value)} in ${key.name} as the other did, and both wrote over it`;
      anomalies.push(about("lost-update", text, transactions[node] as Operation, transactions[other]));
    }
  }
}

function findCyclicVersions(key: Key, anomalies: Anomaly[]): boolean {
  const versions = [...key.writes.values()];
  const number = new Map(versions.map((write, i) => [write, i]));
  const graph = new DependencyGraph(versions.length);
  for (let i = 0; i < versions.length; i++)
    for (const later of (versions[i] as Write).later) graph.add(i, number.get(later) as number, dependency.ww);
  const { members } = components(graph.compact(), dependency.ww);
  for (const component of members) {
    const writes = component.map((version) => versions[version] as Write);
    anomalies.push({
      kind: "cyclic-versions",
      explanation: `Each of the versions ${writes.map(({ value }) => textOfJson(value)).join(", ")} of ${key.name} comes before the others.`,
      operations: writes.map(({ operation }) => operation.index).filter((index) => index >= 0),
    });
  }
  return members.length > 0;
}

function connect(key: Key, graph: DependencyGraph, writes: Write[], anomalies: Anomaly[]): void {
  const note = new Map<Write, number>();
  for (const write of key.writes.values()) note.set(write, writes.push(write) - 1);
  for (const write of key.writes.values()) {
    for (const later of write.later) {
      if (later.node === -1) continue;
      if (write.node !== -1) graph.add(write.node, later.node, dependency.ww, note.get(later));
      else if (write.value !== null) {
        const text = `wrote ${textOfJson(later.value)} to ${key.name} over ${textOfJson(write.value)}, whose transaction failed`;
        anomalies.push(about("dirty-update", text, later.operation, write.operation));
      }
    }
  }
  // Readers of one version share what comes after it.
  const after = new Map<Write, number>();
  for (const { node, version } of key.reads) {
    if (version.node !== -1) graph.add(version.node, node, dependency.wr, note.get(version));
    const later = [...version.later].filter((write) => write.node !== -1);
    if (later.length <= 4 || later.some((write) => write.node === node)) {
      for (const write of later) graph.add(node, write.node, dependency.rw, note.get(write));
      continue;
    }
    let auxiliary = after.get(version);
    if (auxiliary === undefined) {
      auxiliary = graph.addAuxiliary();
      after.set(version, auxiliary);
      for (const write of later) graph.add(auxiliary, write.node, dependency.link, note.get(write));
    }
    graph.add(node, auxiliary, dependency.rw);
  }
}

function sayStep({ kind, note }: Step, writes: readonly Write[]): string {
  const write = writes[note] as Write;
  const what = `${textOfJson(write.value)} to ${write.key}`;
  if (kind === dependency.ww) return `the other wrote ${what} over what it had written`;
  if (kind === dependency.wr) return `it wrote ${what}, which the other read`;
  return `the other wrote ${what} over what it read`;
}
