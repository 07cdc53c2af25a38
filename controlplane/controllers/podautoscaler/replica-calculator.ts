import type { PodGroups, PodMetrics } from "./pod-groups.ts";

/** How far a ratio may be from one without anything being done about it. */
export interface Tolerance {
  readonly up: number;
  readonly down: number;
}

function within(ratio: number, { up, down }: Tolerance): boolean {
  return ratio >= 1 - down && ratio <= 1 + up;
}

export interface Proposal {
  readonly replicas: number;
  /** Of the pods that were measured: the average, in thousandths. */
  readonly averageMilli: number;
  /** In percent of what they request; only for utilization. */
  readonly utilization?: number;
}

export class NoMetrics extends Error {}

/**
 * The formula of the original: `ceil(pods × usage / target)`. Pods that are not ready or not measured are counted against the change that
 * the others ask for: as idle when it goes up, as fully used when it goes down. If that turns the direction, nothing changes.
 */
function propose(
  currentReplicas: number,
  groups: PodGroups,
  metrics: PodMetrics,
  ratioOf: (milli: ReadonlyMap<string, number>) => number,
  /** What a pod would measure that is fully used. */
  full: (pod: string) => number,
  tolerance: Tolerance,
): number {
  const measured = new Map(groups.ready.map((name) => [name, metrics.get(name)?.milli ?? 0]));
  const ratio = ratioOf(measured);
  const unreadyCounts = groups.unready.length > 0 && ratio > 1;
  if (!unreadyCounts && groups.missing.length === 0) {
    return within(ratio, tolerance) ? currentReplicas : Math.ceil(rounded(ratio * groups.ready.length));
  }
  if (ratio < 1) for (const name of groups.missing) measured.set(name, full(name));
  else if (ratio > 1) for (const name of groups.missing) measured.set(name, 0);
  if (unreadyCounts) for (const name of groups.unready) measured.set(name, 0);
  const damped = ratioOf(measured);
  if (within(damped, tolerance) || (ratio < 1 && damped > 1) || (ratio > 1 && damped < 1)) return currentReplicas;
  const replicas = Math.ceil(rounded(damped * measured.size));
  const wrongWay = (damped < 1 && replicas > currentReplicas) || (damped > 1 && replicas < currentReplicas);
  return wrongWay ? currentReplicas : replicas;
}

/** 3 × 1.1 is not 3.3000000000000003 pods. */
function rounded(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** Towards a share of what the pods request. `requestsMilli`: of every pod that is not ignored. */
export function forUtilization(
  currentReplicas: number,
  targetPercent: number,
  groups: PodGroups,
  metrics: PodMetrics,
  requestsMilli: ReadonlyMap<string, number>,
  tolerance: Tolerance,
): Proposal {
  requireMeasured(groups);
  const percentOf = (measured: ReadonlyMap<string, number>) => {
    const requested = sum([...measured.keys()].map((name) => requestsMilli.get(name) ?? 0));
    if (requested === 0) throw new NoMetrics("no metrics returned matched known pods");
    return Math.trunc((sum(measured.values()) * 100) / requested);
  };
  const full = (pod: string) => ((requestsMilli.get(pod) ?? 0) * Math.max(100, targetPercent)) / 100;
  const ratioOf = (measured: ReadonlyMap<string, number>) => percentOf(measured) / targetPercent;
  const ready = new Map(groups.ready.map((name) => [name, metrics.get(name)?.milli ?? 0]));
  return {
    replicas: propose(currentReplicas, groups, metrics, ratioOf, full, tolerance),
    averageMilli: Math.trunc(sum(ready.values()) / ready.size),
    utilization: percentOf(ready),
  };
}

/** Towards an average per pod. */
export function forAverage(
  currentReplicas: number,
  targetMilli: number,
  groups: PodGroups,
  metrics: PodMetrics,
  tolerance: Tolerance,
): Proposal {
  requireMeasured(groups);
  const average = (measured: ReadonlyMap<string, number>) => Math.trunc(sum(measured.values()) / measured.size);
  const ready = new Map(groups.ready.map((name) => [name, metrics.get(name)?.milli ?? 0]));
  const ratioOf = (measured: ReadonlyMap<string, number>) => average(measured) / targetMilli;
  return {
    replicas: propose(currentReplicas, groups, metrics, ratioOf, () => targetMilli, tolerance),
    averageMilli: average(ready),
  };
}

/** Towards one value for all of them (a queue's length). `readyPods`: those that run and are ready. */
export function forValue(
  currentReplicas: number,
  targetMilli: number,
  milli: number,
  readyPods: number,
  tolerance: Tolerance,
): number {
  const ratio = milli / targetMilli;
  if (currentReplicas === 0) return Math.ceil(rounded(ratio));
  return within(ratio, tolerance) ? currentReplicas : Math.ceil(rounded(ratio * readyPods));
}

/** Towards each pod's share of one value. */
export function forShare(statusReplicas: number, targetMilli: number, milli: number, tolerance: Tolerance): Proposal {
  const ratio = statusReplicas === 0 ? Number.POSITIVE_INFINITY : milli / (targetMilli * statusReplicas);
  const replicas = within(ratio, tolerance) ? statusReplicas : Math.ceil(rounded(milli / targetMilli));
  return { replicas, averageMilli: statusReplicas === 0 ? milli : Math.ceil(milli / statusReplicas) };
}

function requireMeasured({ ready }: PodGroups): void {
  if (ready.length === 0) throw new NoMetrics("did not receive metrics for targeted pods (pods might be unready)");
}
