import type { Bar, Outcome } from "./bars.ts";
import { roundStep } from "./scale.ts";

export interface Window {
  readonly fromNs: number;
  readonly toNs: number;
  /** Of operations that ended in it. */
  readonly counts: Readonly<Record<Outcome, number>>;
  /** Latencies of those that were ok, in ascending order. */
  readonly latenciesNs: Float64Array;
}

/** About eighty windows of a round width, by when operations ended. One that never ended is in none. */
export function windowsOf(operations: readonly Bar[], endNs: number): Window[] {
  const widthNs = Math.max(1e6, roundStep(Math.max(1, endNs) / 80));
  const total = Math.max(1, Math.ceil(endNs / widthNs));
  const at = (ns: number) => Math.min(total - 1, Math.floor(ns / widthNs));
  const counts = Array.from({ length: total }, () => ({ ok: 0, info: 0, fail: 0 }));
  const latencies = Array.from({ length: total }, (): number[] => []);
  for (const { startNs, endNs: ended, outcome } of operations) {
    if (ended === undefined) continue;
    (counts[at(ended)] as Record<Outcome, number>)[outcome]++;
    if (outcome === "ok") latencies[at(ended)]?.push(ended - startNs);
  }
  return counts.map((inWindow, index) => ({
    fromNs: index * widthNs,
    toNs: (index + 1) * widthNs,
    counts: inWindow,
    latenciesNs: Float64Array.from(latencies[index] as number[]).sort(),
  }));
}

/** Nearest rank; undefined of nothing. `sortedValues` ascend. */
export function quantile(sortedValues: Float64Array, share: number): number | undefined {
  return sortedValues[Math.max(0, Math.ceil(share * sortedValues.length) - 1)];
}
