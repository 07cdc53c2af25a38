import type { PodInfo } from "../pod-info.ts";
import { type Candidate, startOf } from "./victims.ts";

/** Added to each priority, so that a few pods of negative priority do not count less than none. */
const offset = 2 ** 31;

function sumOfPriorities({ victims }: Candidate): number {
  return victims.reduce((sum, victim) => sum + victim.priority + offset, 0);
}

/** Of the victims with the highest priority, when the first one started. */
function earliestStart({ victims }: Candidate): number {
  const highest = (victims[0] as PodInfo).priority;
  return Math.min(...victims.filter(({ priority }) => priority === highest).map(startOf));
}

/** Each only decides among those that are equal by all before it; less is better. */
const measures: readonly ((candidate: Candidate) => number)[] = [
  ({ violations }) => violations,
  ({ victims }) => (victims[0] as PodInfo).priority,
  sumOfPriorities,
  ({ victims }) => victims.length,
  (candidate) => -earliestStart(candidate),
];

/**
 * Where preemption does least harm: fewest broken budgets, least important most important victim, least sum of priorities, fewest victims, victims
 * that started last, and else the first (preemption.go, pickOneNodeForPreemption).
 */
export function pickCandidate(candidates: readonly Candidate[]): Candidate | undefined {
  let left = candidates;
  for (const measure of measures) {
    if (left.length <= 1) break;
    const values = left.map(measure);
    const best = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
    left = left.filter((_, i) => values[i] === best);
  }
  return left[0];
}
