import type { Condition, Pod, PodDisruptionBudget, PodDisruptionBudgetStatus } from "../../api/mod.ts";
import { timestamp } from "../../client/mod.ts";
import { findCondition, withoutCondition } from "../common/conditions.ts";
import { isReady } from "../common/pods.ts";

/** An evicted pod counts as gone for this long; if it still stands then, its deletion has failed. */
const evictedCountsAsGoneMs = 2 * 60_000;

/** How many pods there should be and how many of them healthy. */
export interface Demand {
  readonly expectedPods: number;
  readonly desiredHealthy: number;
}

type Spec = PodDisruptionBudget["spec"];

/** A budget in percent, or of what may be missing, needs to know the size of what it protects. */
export function needsScale({ maxUnavailable, minAvailable }: NonNullable<Spec>): boolean {
  return maxUnavailable !== undefined || typeof minAvailable === "string";
}

/** `scale` is the sum of the wanted replicas of all the pods' owners; percentages are rounded up, in favour of neither. */
export function demand({ maxUnavailable, minAvailable }: NonNullable<Spec>, podCount: number, scale: number): Demand {
  if (maxUnavailable !== undefined)
    return { expectedPods: scale, desiredHealthy: Math.max(0, scale - roundedUp(maxUnavailable, scale)) };
  if (typeof minAvailable === "string") return { expectedPods: scale, desiredHealthy: roundedUp(minAvailable, scale) };
  return { expectedPods: podCount, desiredHealthy: minAvailable ?? 0 };
}

function roundedUp(value: number | string, total: number): number {
  if (typeof value === "number") return value;
  return Math.ceil((Number(/^(\d+)%$/.exec(value)?.[1] ?? 0) * total) / 100);
}

export interface Plan {
  readonly status: PodDisruptionBudgetStatus;
  /** Evicted two minutes ago and still there. */
  readonly undead: readonly Pod[];
  /** When an eviction that is counted now stops to count. */
  readonly againInMs: number | undefined;
}

export function plan(
  { metadata, status: before }: PodDisruptionBudget,
  pods: readonly Pod[],
  { expectedPods, desiredHealthy }: Demand,
  nowMs: number,
): Plan {
  const disruptedPods: Record<string, string> = {};
  const undead: Pod[] = [];
  let againInMs: number | undefined;
  for (const pod of pods) {
    const evictedAt = before?.disruptedPods?.[pod.metadata.name ?? ""];
    if (pod.metadata.deletionTimestamp !== undefined || evictedAt === undefined) continue;
    const leftMs = Date.parse(evictedAt) + evictedCountsAsGoneMs - nowMs;
    if (leftMs < 0) {
      undead.push(pod);
      continue;
    }
    disruptedPods[pod.metadata.name ?? ""] = evictedAt;
    againInMs = Math.min(againInMs ?? leftMs, leftMs);
  }
  const currentHealthy = pods.filter(
    (pod) =>
      pod.metadata.deletionTimestamp === undefined &&
      disruptedPods[pod.metadata.name ?? ""] === undefined &&
      isReady(pod),
  ).length;
  const disruptionsAllowed = expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - desiredHealthy);
  const { generation } = metadata;
  const allowed: Condition = {
    type: "DisruptionAllowed",
    status: disruptionsAllowed > 0 ? "True" : "False",
    reason: disruptionsAllowed > 0 ? "SufficientPods" : "InsufficientPods",
    message: "",
    observedGeneration: generation,
    lastTransitionTime: timestamp(nowMs),
  };
  return {
    status: {
      observedGeneration: generation,
      ...(Object.keys(disruptedPods).length === 0 ? {} : { disruptedPods }),
      disruptionsAllowed,
      currentHealthy,
      desiredHealthy,
      expectedPods,
      conditions: withAllowed(before?.conditions, allowed),
    },
    undead,
    againInMs: againInMs === undefined ? undefined : againInMs + 1,
  };
}

/** While it cannot be told how many pods are needed, none may be evicted: fail safe. */
export function failedStatus(
  { metadata, status }: PodDisruptionBudget,
  message: string,
  nowMs: number,
): PodDisruptionBudgetStatus {
  const { generation } = metadata;
  const failed: Condition = {
    type: "DisruptionAllowed",
    status: "False",
    reason: "SyncFailed",
    message,
    observedGeneration: generation,
    lastTransitionTime: timestamp(nowMs),
  };
  const { currentHealthy = 0, desiredHealthy = 0, expectedPods = 0 } = status ?? {};
  const conditions = withAllowed(status?.conditions, failed);
  return { ...status, currentHealthy, desiredHealthy, expectedPods, disruptionsAllowed: 0, conditions };
}

function withAllowed(before: readonly Condition[] | undefined, next: Condition): Condition[] {
  const current = findCondition(before, next.type);
  const kept = current?.status === next.status ? { lastTransitionTime: current.lastTransitionTime } : {};
  return [...withoutCondition(before, next.type), { ...next, ...kept }];
}
