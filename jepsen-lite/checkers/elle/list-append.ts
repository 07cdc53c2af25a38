import { type History, type Json, type Operation, operationsOf } from "../../history/mod.ts";
import { type MicroOp, microOpsOf } from "../micro-ops.ts";
import { textOfJson, wrongShape } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";
import { about } from "./about.ts";
import type { Step } from "./cycles.ts";
import { DependencyGraph, dependency, type Kind } from "./graph.ts";
import { type Dependencies, type ElleOptions, judge } from "./judge.ts";

/**
 * Transactions that append to lists and read them. A read shows the whole history of its key up to it, so that the order of versions need not be guessed.
 *
 * Operations: `txn`, a list of `["append", key, element]` and `["r", key, null]`, which comes back with the lists that were read (null for none). No element is
 * appended twice to a key.
 */
export const listAppend = checker<ElleOptions>("list-append", (history, options) => judge(analyse(history), options));

/** An append of the history. */
interface Append {
  readonly key: string;
  readonly element: Json;
  readonly operation: Operation;
  /** The transaction's number in the graph; -1 when it failed. */
  readonly node: number;
  /** The transaction appended to the same key again, later. */
  followed: boolean;
}

/** What a transaction read of a key before it appended to it: the first so many of the key's elements. */
interface Version {
  readonly node: number;
  readonly length: number;
  readonly appends: boolean;
}

interface Key {
  readonly name: string;
  /** By element. */
  readonly appends: Map<Json, Append>;
  /** The longest list that was read, and who did. */
  longest: readonly Json[];
  reader: Operation | undefined;
  readonly versions: Version[];
}

function analyse(history: History): Dependencies {
  const operations = operationsOf(history).filter(({ f }) => f === "txn");
  const transactions = operations.filter(({ outcome }) => outcome !== "fail");
  const microOps = transactions.map((operation) => microOpsOf(operation, operation.output, ["r", "append"]));
  const keys = new Map<string, Key>();
  const keyOf = (name: string): Key => {
    let key = keys.get(name);
    if (key === undefined) {
      key = { name, appends: new Map(), longest: [], reader: undefined, versions: [] };
      keys.set(name, key);
    }
    return key;
  };
  for (let node = 0; node < transactions.length; node++)
    collectAppends(transactions[node] as Operation, node, microOps[node] as MicroOp[], keyOf);
  for (const operation of operations)
    if (operation.outcome === "fail")
      collectAppends(operation, -1, microOpsOf(operation, operation.input, ["r", "append"]), keyOf);

  const anomalies: Anomaly[] = [];
  for (let node = 0; node < transactions.length; node++) {
    const operation = transactions[node] as Operation;
    if (operation.outcome === "ok") collectReads(operation, node, microOps[node] as MicroOp[], keyOf, anomalies);
  }

  const graph = new DependencyGraph(transactions.length);
  const appends: Append[] = [];
  for (const key of keys.values()) {
    findLostUpdates(key, transactions, anomalies);
    connect(key, graph, appends, anomalies);
  }
  return { transactions, graph, anomalies, say: (step) => sayStep(step, appends) };
}

function collectAppends(
  operation: Operation,
  node: number,
  microOps: readonly MicroOp[],
  keyOf: (name: string) => Key,
): void {
  const last = new Map<string, Append>();
  for (const [kind, name, element] of microOps) {
    if (kind !== "append") continue;
    const { appends } = keyOf(name);
    if (appends.has(element))
      throw wrongShape(
        operation,
        `appends ${textOfJson(element)} to ${name}, as another does: elements have to be unique`,
      );
    const append: Append = { key: name, element, operation, node, followed: false };
    const earlier = last.get(name);
    if (earlier !== undefined) earlier.followed = true;
    last.set(name, append);
    appends.set(element, append);
  }
}

function collectReads(
  operation: Operation,
  node: number,
  microOps: readonly MicroOp[],
  keyOf: (name: string) => Key,
  anomalies: Anomaly[],
): void {
  /** Per key: what the transaction must read by what it did itself. Without a base, only the end is known. */
  const own = new Map<string, { base: readonly Json[] | undefined; appended: Json[] }>();
  for (const [kind, name, value] of microOps) {
    const mine = own.get(name);
    if (kind === "append") {
      if (mine === undefined) own.set(name, { base: undefined, appended: [value] });
      else mine.appended.push(value);
      continue;
    }
    const list = value === null ? [] : (value as readonly Json[]);
    if (!Array.isArray(list)) throw wrongShape(operation, `reads ${name} as ${textOfJson(value)}, which is no list`);
    const appended = mine?.appended ?? [];
    const base = list.slice(0, Math.max(0, list.length - appended.length));
    const fits = appended.every((element, i) => list[base.length + i] === element);
    if (!fits || (mine?.base !== undefined && !sameList(mine.base, base))) {
      const expected =
        mine?.base === undefined
          ? `a list that ends in ${textOfJson(appended)}`
          : textOfJson([...mine.base, ...appended]);
      anomalies.push(
        about(
          "internal",
          `read ${name} as ${textOfJson(list)} where its own earlier steps leave ${expected}`,
          operation,
        ),
      );
      continue;
    }
    if (mine?.base !== undefined) continue;
    own.set(name, { base, appended });
    const key = keyOf(name);
    if (!examineRead(key, operation, list, base, anomalies)) continue;
    const appends = microOps.some(([otherKind, otherName]) => otherKind === "append" && otherName === name);
    key.versions.push({ node, length: base.length, appends });
  }
}

/** Looks at the list alone; false when nothing can be concluded from its order. */
function examineRead(
  key: Key,
  operation: Operation,
  list: readonly Json[],
  base: readonly Json[],
  anomalies: Anomaly[],
): boolean {
  const { longest, reader } = key;
  const shared = Math.min(list.length, longest.length);
  for (let i = 0; i < shared; i++) {
    if (list[i] === longest[i]) continue;
    const text = `read ${key.name} as ${textOfJson(list)}, which is no continuation of ${textOfJson(longest)}, nor the other way round`;
    anomalies.push(about("incompatible-order", text, operation, reader));
    return false;
  }
  // Of what was examined already, only the end is new: it is where this read stopped.
  if (list.length > longest.length) {
    const seen = new Set(longest);
    for (let i = longest.length; i < list.length; i++) {
      const element = list[i] as Json;
      const append = key.appends.get(element);
      if (seen.has(element)) {
        anomalies.push(
          about(
            "duplicate-elements",
            `read ${key.name} as ${textOfJson(list)}, with ${textOfJson(element)} twice`,
            operation,
          ),
        );
        return false;
      }
      seen.add(element);
      if (append === undefined)
        anomalies.push(
          about("garbage-read", `read ${textOfJson(element)} in ${key.name}, which nobody appended`, operation),
        );
      else if (append.node === -1)
        anomalies.push(
          about(
            "G1a",
            `read ${textOfJson(element)} in ${key.name}, whose transaction failed`,
            operation,
            append.operation,
          ),
        );
    }
    key.longest = list;
    key.reader = operation;
  }
  const last = base.length === 0 ? undefined : key.appends.get(base[base.length - 1] as Json);
  if (last?.followed && last.operation !== operation) {
    const text = `read ${key.name} up to ${textOfJson(last.element)}, in the middle of a transaction that appended more to it`;
    anomalies.push(about("G1b", text, operation, last.operation));
  }
  return true;
}

/** Two that read the same version and both appended to it: one did so without seeing the other. */
function findLostUpdates(key: Key, transactions: readonly Operation[], anomalies: Anomaly[]): void {
  const firstAt = new Map<number, number>();
  for (const { node, length, appends } of key.versions) {
    if (!appends) continue;
    const other = firstAt.get(length);
    if (other === undefined) firstAt.set(length, node);
    else if (other !== node) {
      const text = `read the same version of ${key.name} (${length} elements) as the other did, and both appended to it`;
      anomalies.push(about("lost-update", text, transactions[node] as Operation, transactions[other]));
    }
  }
}

function connect(key: Key, graph: DependencyGraph, appends: Append[], anomalies: Anomaly[]): void {
  const order = key.longest.map((element) => key.appends.get(element));
  const notes = order.map((append) => {
    if (append !== undefined) appends.push(append);
    return appends.length - 1;
  });
  for (let i = 1; i < order.length; i++) {
    const [before, after] = [order[i - 1], order[i]];
    if (before === undefined || after === undefined) continue;
    if (before.node === -1 && after.node !== -1) {
      const text = `appended ${textOfJson(after.element)} to ${key.name} after ${textOfJson(before.element)}, whose transaction failed`;
      anomalies.push(about("dirty-update", text, after.operation, before.operation));
    }
    if (before.node !== -1 && after.node !== -1) graph.add(before.node, after.node, dependency.ww, notes[i]);
  }
  // What was acknowledged and is in no list must come after all that is: lists only grow.
  const observed = new Set(key.longest);
  const later = [...key.appends.values()].filter(
    ({ element, node, operation }) => node !== -1 && operation.outcome === "ok" && !observed.has(element),
  );
  const unread = new Unread(graph, later, appends);
  const last = order.at(-1);
  if (last !== undefined && last.node !== -1) unread.follow(last.node, dependency.ww);
  for (const { node, length } of key.versions) {
    const read = length === 0 ? undefined : order[length - 1];
    if (read !== undefined && read.node !== -1) graph.add(read.node, node, dependency.wr, notes[length - 1]);
    const replaced = order[length];
    if (replaced !== undefined && replaced.node !== -1) graph.add(node, replaced.node, dependency.rw, notes[length]);
    else if (length === order.length) unread.follow(node, dependency.rw);
  }
}

/** Appends to a key that are in no list, as what follows the last version that is. */
class Unread {
  readonly #graph: DependencyGraph;
  readonly #appends: readonly { readonly node: number; readonly note: number }[];
  readonly #nodes: ReadonlySet<number>;
  readonly #auxiliary = new Map<Kind, number>();

  constructor(graph: DependencyGraph, later: readonly Append[], appends: Append[]) {
    this.#graph = graph;
    this.#appends = later.map((append) => ({ node: append.node, note: appends.push(append) - 1 }));
    this.#nodes = new Set(later.map(({ node }) => node));
  }

  follow(node: number, kind: Kind): void {
    if (this.#appends.length === 0) return;
    // One of them itself: by way of the auxiliary node it would follow itself.
    if (this.#nodes.has(node)) {
      for (const append of this.#appends) this.#graph.add(node, append.node, kind, append.note);
      return;
    }
    let auxiliary = this.#auxiliary.get(kind);
    if (auxiliary === undefined) {
      auxiliary = this.#graph.addAuxiliary();
      this.#auxiliary.set(kind, auxiliary);
      for (const append of this.#appends) this.#graph.add(auxiliary, append.node, dependency.link, append.note);
    }
    this.#graph.add(node, auxiliary, kind);
  }
}

function sayStep({ kind, note }: Step, appends: readonly Append[]): string {
  const append = appends[note] as Append;
  const what = `${textOfJson(append.element)} to ${append.key}`;
  if (kind === dependency.ww) return `the other appended ${what} after it had appended`;
  if (kind === dependency.wr) return `it appended ${what}, which the other read`;
  return `the other appended ${what}, which it did not see`;
}

function sameList(a: readonly Json[], b: readonly Json[]): boolean {
  return a.length === b.length && a.every((element, i) => element === b[i]);
}
