import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from "../../api/mod.ts";
import { timestamp } from "../../client/mod.ts";
import { findCondition, withCondition, withoutCondition } from "../common/conditions.ts";
import { desiredReplicas, limitsOf } from "./limits.ts";
import { totalSize } from "./rolling-update.ts";

export const reasons = {
  newReplicaSet: "NewReplicaSetCreated",
  foundNewReplicaSet: "FoundNewReplicaSet",
  failedCreate: "ReplicaSetCreateError",
  updated: "ReplicaSetUpdated",
  available: "NewReplicaSetAvailable",
  timedOut: "ProgressDeadlineExceeded",
  paused: "DeploymentPaused",
  resumed: "DeploymentResumed",
} as const;

type Conditions = readonly DeploymentCondition[] | undefined;

export function condition(
  type: string,
  status: "True" | "False" | "Unknown",
  reason: string,
  message: string,
  nowMs: number,
): DeploymentCondition {
  const now = timestamp(nowMs);
  return { type, status, lastUpdateTime: now, lastTransitionTime: now, reason, message };
}

/** The original's "no deadline" is the largest 32-bit number. */
function deadlineMs(deployment: Deployment): number | undefined {
  const seconds = deployment.spec.progressDeadlineSeconds;
  return seconds === undefined || seconds === 0x7fffffff ? undefined : seconds * 1000;
}

export function hasDeadline(deployment: Deployment): boolean {
  return deadlineMs(deployment) !== undefined;
}

/** Everything is new, there, and available: `kubectl rollout status` returns. */
export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const desired = desiredReplicas(deployment);
  return (
    (status.updatedReplicas ?? 0) === desired &&
    (status.replicas ?? 0) === desired &&
    (status.availableReplicas ?? 0) === desired &&
    (status.observedGeneration ?? 0) >= (deployment.metadata.generation ?? 0)
  );
}

function sum(replicaSets: readonly ReplicaSet[], of: (replicaSet: ReplicaSet) => number | undefined): number {
  return replicaSets.reduce((total, replicaSet) => total + (of(replicaSet) ?? 0), 0);
}

/** Counts from the sets' statuses, conditions as they were, `Available` anew. */
export function countsOf(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  conditions: Conditions,
  nowMs: number,
): DeploymentStatus {
  const availableReplicas = sum(all, (it) => it.status?.availableReplicas);
  const enough = availableReplicas >= desiredReplicas(deployment) - limitsOf(deployment).maxUnavailable;
  const available = enough
    ? condition("Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", nowMs)
    : condition(
        "Available",
        "False",
        "MinimumReplicasUnavailable",
        "Deployment does not have minimum availability.",
        nowMs,
      );
  const { collisionCount } = deployment.status ?? {};
  return {
    observedGeneration: deployment.metadata.generation,
    replicas: sum(all, (it) => it.status?.replicas),
    updatedReplicas: fresh?.status?.replicas ?? 0,
    readyReplicas: sum(all, (it) => it.status?.readyReplicas),
    availableReplicas,
    unavailableReplicas: Math.max(0, totalSize(all) - availableReplicas),
    terminatingReplicas: sum(all, (it) => it.status?.terminatingReplicas),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: withCondition(conditions, available),
  };
}

/** More new pods, fewer old ones, more ready or more available ones than before. */
function hasProgressed(before: DeploymentStatus = {}, now: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (now.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(now) < old(before) ||
    (now.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

function hasTimedOut(deployment: Deployment, conditions: Conditions, nowMs: number): boolean {
  const progressing = findCondition(conditions, "Progressing");
  const limitMs = deadlineMs(deployment);
  if (progressing === undefined || limitMs === undefined || progressing.reason === reasons.available) return false;
  if (progressing.reason === reasons.timedOut) return true;
  return Date.parse(progressing.lastUpdateTime ?? "") + limitMs < nowMs;
}

/** Status of a Deployment that rolls out: the counts, and how the rollout goes. */
export function rolloutStatus(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
  nowMs: number,
): DeploymentStatus {
  const status = countsOf(deployment, fresh, all, deployment.status?.conditions, nowMs);
  let conditions: DeploymentCondition[] = status.conditions ?? [];
  const current = findCondition(deployment.status?.conditions, "Progressing");
  const wasComplete = status.replicas === status.updatedReplicas && current?.reason === reasons.available;
  const what = fresh === undefined ? `Deployment "${deployment.metadata.name}"` : `ReplicaSet "${fresh.metadata.name}"`;
  if (!hasDeadline(deployment)) conditions = withoutCondition(conditions, "Progressing");
  else if (!wasComplete) {
    if (isComplete(deployment, status)) {
      const message = `${what} has successfully progressed.`;
      conditions = withCondition(conditions, condition("Progressing", "True", reasons.available, message, nowMs));
    } else if (hasProgressed(deployment.status, status)) {
      const next = condition("Progressing", "True", reasons.updated, `${what} is progressing.`, nowMs);
      // Replaced even if only its time is new: the deadline counts from the last progress.
      const since = current?.status === "True" ? { lastTransitionTime: current.lastTransitionTime } : {};
      conditions = [...withoutCondition(conditions, "Progressing"), { ...next, ...since }];
    } else if (hasTimedOut(deployment, conditions, nowMs)) {
      const message = `${what} has timed out progressing.`;
      conditions = withCondition(conditions, condition("Progressing", "False", reasons.timedOut, message, nowMs));
    }
  }
  return { ...status, conditions: withReplicaFailure(conditions, fresh, all) };
}

/** A set that cannot create its pods says so on itself; users look at the Deployment. The new set's trouble comes first. */
function withReplicaFailure(
  conditions: readonly DeploymentCondition[],
  fresh: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
): DeploymentCondition[] {
  const failing = [...(fresh === undefined ? [] : [fresh]), ...all]
    .map((replicaSet) => findCondition(replicaSet.status?.conditions, "ReplicaFailure"))
    .find((found) => found !== undefined);
  if (failing === undefined) return withoutCondition(conditions, "ReplicaFailure");
  const { type, status, reason, message, lastTransitionTime } = failing;
  return withCondition(conditions, {
    type,
    status,
    reason,
    message,
    lastTransitionTime,
    lastUpdateTime: lastTransitionTime,
  });
}

/** `Progressing` while paused and after: a pause must not use up the deadline. */
export function pauseCondition(deployment: Deployment, nowMs: number): DeploymentCondition | undefined {
  if (!hasDeadline(deployment)) return undefined;
  const current = findCondition(deployment.status?.conditions, "Progressing");
  if (current?.reason === reasons.timedOut) return undefined;
  const saysPaused = current?.reason === reasons.paused;
  if (deployment.spec.paused && !saysPaused) {
    return condition("Progressing", "Unknown", reasons.paused, "Deployment is paused", nowMs);
  }
  if (!deployment.spec.paused && saysPaused) {
    return condition("Progressing", "Unknown", reasons.resumed, "Deployment is resumed", nowMs);
  }
  return undefined;
}

/** When to look again whether the deadline has passed; undefined when there is nothing to wait for. */
export function stuckCheckMs(deployment: Deployment, status: DeploymentStatus, nowMs: number): number | undefined {
  const progressing = findCondition(status.conditions, "Progressing");
  const limitMs = deadlineMs(deployment);
  if (progressing === undefined || limitMs === undefined || deployment.spec.paused) return undefined;
  if (isComplete(deployment, status) || progressing.reason === reasons.timedOut) return undefined;
  return Math.max(0, Date.parse(progressing.lastUpdateTime ?? "") + limitMs - nowMs) + 1000;
}
