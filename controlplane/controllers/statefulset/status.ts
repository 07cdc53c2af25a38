import type { ControllerRevision, Pod, StatefulSet, StatefulSetStatus } from "../../api/mod.ts";
import { isAvailable, isReady } from "../common/pods.ts";
import { revisionOf } from "./identity.ts";

export interface Revisions {
  /** Where the last completed update left the set. */
  readonly current: ControllerRevision;
  /** Where the set's template wants it. */
  readonly update: ControllerRevision;
  readonly collisionCount: number | undefined;
}

export function isRunningAndReady(pod: Pod): boolean {
  return pod.status?.phase === "Running" && isReady(pod);
}

/** Counts by revision; once all pods have the update revision and are ready, it is the current one. */
export function statusOf(
  set: StatefulSet,
  pods: readonly Pod[],
  revisions: Revisions,
  nowMs: number,
): StatefulSetStatus {
  const { minReadySeconds = 0, replicas: wanted = 1, updateStrategy } = set.spec;
  const current = revisions.current.metadata.name ?? "";
  const update = revisions.update.metadata.name ?? "";
  const staying = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const ready = pods.filter(isRunningAndReady);
  const updatedReplicas = staying.filter((pod) => revisionOf(pod) === update).length;
  const complete =
    updateStrategy?.type !== "OnDelete" &&
    updatedReplicas === wanted &&
    ready.length === wanted &&
    pods.length === wanted;
  const { collisionCount } = revisions;
  const { conditions } = set.status ?? {};
  return {
    observedGeneration: set.metadata.generation,
    replicas: pods.length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter((pod) => isAvailable(pod, minReadySeconds, nowMs)).length,
    currentReplicas: complete ? updatedReplicas : staying.filter((pod) => revisionOf(pod) === current).length,
    updatedReplicas,
    currentRevision: complete ? update : current,
    updateRevision: update,
    ...(collisionCount === undefined ? {} : { collisionCount }),
    ...(conditions === undefined ? {} : { conditions }),
  };
}
