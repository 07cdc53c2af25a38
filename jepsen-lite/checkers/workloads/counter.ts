import { type Operation, operationsOf } from "../../history/mod.ts";
import { fieldsOf, numberOf } from "../shape.ts";
import { type Anomaly, checker } from "../verdict.ts";

/**
 * A counter that starts at 0: each read lies between what was certainly added when it began and what may have been added when it ended. Quick, and it misses
 * what linearizability would find: reads are not compared with each other.
 *
 * Operations: `add` of `{ delta }`; `read`, which gets `{ value }`.
 */
export const counter = checker<Record<never, never>>("counter", (history) => {
  const operations = operationsOf(history);
  const adds: { readonly at: number; readonly low: number; readonly high: number }[] = [];
  for (const operation of operations) {
    if (operation.f !== "add" || operation.outcome === "fail") continue;
    const delta = numberOf(operation, fieldsOf(operation, operation.input), "delta");
    // From its invocation it may count, from its return it does: the bounds meet there.
    adds.push({ at: operation.index, low: Math.min(delta, 0), high: Math.max(delta, 0) });
    if (operation.outcome === "ok")
      adds.push({ at: operation.returned, low: Math.max(delta, 0), high: Math.min(delta, 0) });
  }
  adds.sort((a, b) => a.at - b.at);
  const lows = [0];
  const highs = [0];
  for (const { low, high } of adds) {
    lows.push((lows.at(-1) as number) + low);
    highs.push((highs.at(-1) as number) + high);
  }
  const anomalies: Anomaly[] = [];
  const reads = operations.filter(({ f, outcome }) => f === "read" && outcome === "ok");
  for (const read of reads) {
    const value = numberOf(read, fieldsOf(read), "value");
    const [low, high] = bounds(read, adds, lows, highs);
    if (value >= low && value <= high) continue;
    const explanation = `Read ${read.index} shows ${value}, but the counter was between ${low} and ${high} while it was under way.`;
    anomalies.push({ kind: value < low ? "too-low" : "too-high", explanation, operations: [read.index] });
  }
  return { anomalies, judged: reads.length, of: "reads" };
});

/** The least and the most that the counter can have been at any moment of a read. */
function bounds(
  read: Operation,
  adds: readonly { readonly at: number }[],
  lows: readonly number[],
  highs: readonly number[],
): readonly [number, number] {
  let first = 0;
  let end = adds.length;
  while (first < end) {
    const middle = (first + end) >> 1;
    if ((adds[middle] as { at: number }).at < read.index) first = middle + 1;
    else end = middle;
  }
  let [low, high] = [lows[first] as number, highs[first] as number];
  for (let i = first; i < adds.length && (adds[i] as { at: number }).at < read.returned; i++) {
    low = Math.min(low, lows[i + 1] as number);
    high = Math.max(high, highs[i + 1] as number);
  }
  return [low, high];
}
