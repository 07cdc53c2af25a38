import { type Json, type Operation, operationsOf } from "../../history/mod.ts";
import { fieldsOf, listOf, textOfJson } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";

export interface SetOptions {
  /** Whether a read must show what was added before it was invoked. Default true; false for reads that may be old. */
  readonly linearizable?: boolean;
}

interface Element {
  readonly text: string;
  readonly add: Operation;
  /** From here on every read must show it: the first return of its add or of a read that did. Infinity while nobody knows. */
  known: number;
  knownNs: number;
  /** The last read that showed it, and the last that did not although it was known. */
  lastSeen: Operation | undefined;
  lastMissed: Operation | undefined;
}

/**
 * Elements are added to a set and never removed: what was acknowledged, or seen once, is seen by all later reads. Lost: missed at the end. Stale: missed, and
 * seen again later.
 *
 * Operations: `add` of `{ element }`, each once; `read`, which gets `{ elements }`.
 */
export const setFull = checker<SetOptions>("set-full", (history, { linearizable = true }) => {
  const operations = operationsOf(history);
  const elements = new Map<string, Element>();
  for (const add of operations) {
    if (add.f !== "add") continue;
    const text = textOfJson(fieldsOf(add, add.input).element);
    const acknowledged = add.outcome === "ok";
    elements.set(text, {
      text,
      add,
      known: acknowledged ? add.returned : Infinity,
      knownNs: acknowledged ? add.returnedNs : Infinity,
      lastSeen: undefined,
      lastMissed: undefined,
    });
  }
  const anomalies: Anomaly[] = [];
  const reads = operations
    .filter(({ f, outcome }) => f === "read" && outcome === "ok")
    .sort((a, b) => a.returned - b.returned);
  const shown = reads.map((read) => elementsOf(read, elements, anomalies));
  for (let i = 0; i < reads.length; i++) {
    const read = reads[i] as Operation;
    for (const text of shown[i] as ReadonlySet<string>) {
      const element = elements.get(text);
      if (element === undefined || element.known <= read.returned) continue;
      element.known = read.returned;
      element.knownNs = read.returnedNs;
    }
  }
  // By invocation, so that "later" below means what real time says.
  const order = reads.map((_, i) => i).sort((a, b) => (reads[a] as Operation).index - (reads[b] as Operation).index);
  const known = [...elements.values()].sort((a, b) => a.known - b.known);
  for (const i of order) {
    const read = reads[i] as Operation;
    for (const element of known) {
      if (element.known > read.index) break;
      if ((shown[i] as ReadonlySet<string>).has(element.text)) element.lastSeen = read;
      else element.lastMissed = read;
    }
  }
  let stale = 0;
  let worstStaleNs = 0;
  for (const { text, add, known: since, knownNs, lastSeen, lastMissed } of known) {
    if (since === Infinity || lastMissed === undefined) continue;
    const lost = lastSeen === undefined || lastSeen.returned < lastMissed.index;
    if (!lost) {
      stale++;
      worstStaleNs = Math.max(worstStaleNs, lastMissed.invokedNs - knownNs);
    }
    if (!lost && !linearizable) continue;
    const end = lost ? "and no read after that shows it" : `though read ${lastSeen.index} shows it again`;
    anomalies.push({
      kind: lost ? "lost" : "stale",
      explanation: `Element ${text} (add ${add.index}) was known to be in the set, but read ${lastMissed.index} does not show it, ${end}.`,
      operations: lost ? [add.index, lastMissed.index] : [add.index, lastMissed.index, lastSeen.index],
    });
  }
  const neverRead = known.filter(
    ({ add, lastSeen, lastMissed }) => add.outcome === "ok" && !lastSeen && !lastMissed,
  ).length;
  const figures = { adds: elements.size, reads: reads.length, stale, neverRead, worstStaleNs };
  return { anomalies, judged: reads.length === 0 ? 0 : known.length - neverRead, of: "elements", figures };
});

function elementsOf(
  read: Operation,
  elements: ReadonlyMap<string, Element>,
  anomalies: Anomaly[],
): ReadonlySet<string> {
  const seen = new Set<string>();
  for (const value of listOf(read, fieldsOf(read), "elements") as readonly Json[]) {
    const text = textOfJson(value);
    const report = (kind: string, what: string, ...others: number[]) =>
      anomalies.push({
        kind,
        explanation: `Read ${read.index} shows ${text}, ${what}.`,
        operations: [read.index, ...others],
      });
    const element = elements.get(text);
    if (seen.has(text)) report("duplicate", "twice");
    else if (element === undefined) report("phantom", "which nobody added");
    else if (element.add.outcome === "fail") report("aborted", "whose add failed", element.add.index);
    else if (element.add.index > read.returned) report("phantom", "before it was added", element.add.index);
    seen.add(text);
  }
  return seen;
}
