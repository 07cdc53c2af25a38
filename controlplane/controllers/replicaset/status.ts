import type { Pod, ReplicaSet, ReplicaSetStatus } from "../../api/mod.ts";
import { timestamp } from "../../client/mod.ts";
import { findCondition, withCondition, withoutCondition } from "../common/conditions.ts";
import { isAvailable, isReady } from "../common/pods.ts";

/** Why the last attempt to create or delete pods failed. */
export interface ManageFailure {
  readonly reason: "FailedCreate" | "FailedDelete";
  readonly message: string;
}

/** What the set looks like, from its active pods and the number of those on their way out. */
export function statusOf(
  replicaSet: ReplicaSet,
  pods: readonly Pod[],
  terminating: number,
  failure: ManageFailure | undefined,
  nowMs: number,
): ReplicaSetStatus {
  const { minReadySeconds = 0, template } = replicaSet.spec;
  const wanted = Object.entries(template?.metadata?.labels ?? {});
  const fullyLabeled = pods.filter(({ metadata }) => wanted.every(([key, value]) => metadata.labels?.[key] === value));
  let conditions = replicaSet.status?.conditions;
  if (failure !== undefined && findCondition(conditions, "ReplicaFailure") === undefined) {
    const { reason, message } = failure;
    const lastTransitionTime = timestamp(nowMs);
    conditions = withCondition(conditions, {
      type: "ReplicaFailure",
      status: "True",
      reason,
      message,
      lastTransitionTime,
    });
  } else if (failure === undefined) conditions = withoutCondition(conditions, "ReplicaFailure");
  return {
    replicas: pods.length,
    fullyLabeledReplicas: fullyLabeled.length,
    readyReplicas: pods.filter(isReady).length,
    availableReplicas: pods.filter((pod) => isAvailable(pod, minReadySeconds, nowMs)).length,
    terminatingReplicas: terminating,
    observedGeneration: replicaSet.metadata.generation,
    ...(conditions !== undefined && conditions.length > 0 ? { conditions } : {}),
  };
}

/** When the next ready pod becomes available; undefined when none is waiting. */
export function nextAvailableMs(replicaSet: ReplicaSet, pods: readonly Pod[], nowMs: number): number | undefined {
  const { minReadySeconds = 0 } = replicaSet.spec;
  if (minReadySeconds === 0) return undefined;
  const waits = pods
    .filter((pod) => isReady(pod) && !isAvailable(pod, minReadySeconds, nowMs))
    .map((pod) => findCondition(pod.status?.conditions, "Ready")?.lastTransitionTime)
    .map((since) =>
      since === undefined ? minReadySeconds * 1000 : Date.parse(since) + minReadySeconds * 1000 - nowMs,
    );
  return waits.length === 0 ? undefined : Math.max(1, Math.min(...waits));
}
