import { errorAudit, overall, type Verdict, vacuity } from "../checkers/mod.ts";
import type { History } from "../history/mod.ts";
import type { WorkloadConfig } from "./workload.ts";
import { workloads } from "./workloads.ts";

export interface Judgement {
  readonly valid: Verdict["valid"];
  readonly checkers: readonly Verdict[];
}

/** Has all of a workload's checkers look at a history. A workload that is not known is judged by nobody: unknown. */
export function judge(history: History, workload: string, config: WorkloadConfig = {}): Judgement {
  const definition = Object.hasOwn(workloads, workload) ? workloads[workload] : undefined;
  const particular = definition?.judge(history, config) ?? [];
  // Of every history that holds anything: nobody said `fail` who could not know, and of each kind of operation one was ok.
  const general = particular.length > 0 && history.length > 0 ? [errorAudit(history, {}), vacuity(history, {})] : [];
  const checkers = [...particular, ...general];
  return { valid: overall(checkers), checkers };
}
