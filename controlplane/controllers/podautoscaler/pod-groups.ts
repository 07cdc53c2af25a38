import type { Pod } from "../../api/mod.ts";
import { podCondition } from "../common/pods.ts";

/** One pod's measurement. In thousandths of the metric's unit. */
export interface PodMetric {
  readonly milli: number;
  readonly atMs: number;
  readonly windowMs: number;
}

export type PodMetrics = ReadonlyMap<string, PodMetric>;

/** How long a new pod's CPU says nothing: it warms up. */
export interface Readiness {
  readonly cpuInitializationMs: number;
  readonly initialReadinessDelayMs: number;
}

export interface PodGroups {
  readonly ready: readonly string[];
  /** They run, or will, and what they measure does not count yet. */
  readonly unready: readonly string[];
  /** Nobody measured them. */
  readonly missing: readonly string[];
  /** On their way out, or failed. */
  readonly ignored: readonly string[];
}

export function groupPods(
  pods: readonly Pod[],
  metrics: PodMetrics,
  isCpu: boolean,
  { cpuInitializationMs, initialReadinessDelayMs }: Readiness,
  nowMs: number,
): PodGroups {
  const groups = { ready: [] as string[], unready: [] as string[], missing: [] as string[], ignored: [] as string[] };
  for (const pod of pods) {
    const name = pod.metadata.name ?? "";
    const metric = metrics.get(name);
    if (pod.metadata.deletionTimestamp !== undefined || pod.status?.phase === "Failed") groups.ignored.push(name);
    else if (pod.status?.phase === "Pending") groups.unready.push(name);
    else if (metric === undefined) groups.missing.push(name);
    else if (isCpu && isWarmingUp(pod, metric)) groups.unready.push(name);
    else groups.ready.push(name);
  }
  return groups;

  function isWarmingUp({ status }: Pod, { atMs, windowMs }: PodMetric): boolean {
    const ready = podCondition(status, "Ready");
    const startMs = Date.parse(status?.startTime ?? "");
    if (ready === undefined || Number.isNaN(startMs)) return true;
    const sinceMs = Date.parse(ready.lastTransitionTime ?? "");
    // Young: ready, and measured entirely while it was.
    if (startMs + cpuInitializationMs > nowMs) return ready.status === "False" || atMs < sinceMs + windowMs;
    // Old: unready only counts if it never was ready.
    return ready.status === "False" && startMs + initialReadinessDelayMs > sinceMs;
  }
}
