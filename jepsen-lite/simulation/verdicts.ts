import { errorAudit } from "../checkers/mod.ts";
import type { History } from "../history/mod.ts";
import { type WorkloadConfig, type WorkloadDefinition, workloads } from "../workloads/mod.ts";
import { Violation } from "./hold.ts";
import type { Parameters } from "./parameters.ts";

/** What the run's world allows. */
export function configOf({ faults }: Parameters): WorkloadConfig {
  // A member's clock that runs fast, by as much as the nemesis makes it, ends a lease so much sooner.
  return { leaseEarlyMs: faults.has("clock-drift") ? 3000 : 0 };
}

/** Throws a `Violation` if what the clients saw cannot have been. Not being able to tell is one too. */
export function judge(parameters: Parameters, history: History): void {
  const [violation] = violationsIn(parameters, history);
  if (violation !== undefined) throw violation;
}

/** All that speaks against what the clients saw, one for each checker. */
export function violationsIn(parameters: Parameters, history: History): readonly Violation[] {
  const { judge } = workloads[parameters.workload] as WorkloadDefinition;
  return [...judge(history, configOf(parameters)), errorAudit(history, {})].flatMap((verdict) => {
    // Where nothing was ever answered, there is nothing to be wrong: that it was not is judged elsewhere.
    if (verdict.valid === true || verdict.summary.includes("in this history to judge")) return [];
    const anomalies = verdict.anomalies.slice(0, 3).map(({ explanation }) => explanation);
    return [new Violation(verdict.checker, [verdict.summary, ...anomalies].join("\n"))];
  });
}
