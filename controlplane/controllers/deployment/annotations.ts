import type { Deployment, ReplicaSet } from "../../api/mod.ts";
import { desiredReplicas, limitsOf } from "./limits.ts";

export const revisionAnnotation = "deployment.kubernetes.io/revision";
const revisionHistoryAnnotation = "deployment.kubernetes.io/revision-history";
const desiredReplicasAnnotation = "deployment.kubernetes.io/desired-replicas";
const maxReplicasAnnotation = "deployment.kubernetes.io/max-replicas";

/** Say something about the Deployment itself, so its sets do not inherit them. */
const notInherited = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
  "deprecated.deployment.rollback.to",
]);

type Annotations = Readonly<Record<string, string>>;

export function revisionOf(object: Deployment | ReplicaSet): number {
  const revision = Number(object.metadata.annotations?.[revisionAnnotation] ?? "0");
  return Number.isSafeInteger(revision) ? revision : 0;
}

export function maxRevision(replicaSets: readonly ReplicaSet[]): number {
  return Math.max(0, ...replicaSets.map(revisionOf));
}

/** How many pods the set's Deployment wanted when the set was last scaled. */
export function desiredWhenScaled(replicaSet: ReplicaSet): number | undefined {
  return count(replicaSet, desiredReplicasAnnotation);
}

/** How many pods the set's Deployment allowed, surge included, when the set was last scaled. */
export function maxWhenScaled(replicaSet: ReplicaSet): number | undefined {
  return count(replicaSet, maxReplicasAnnotation);
}

function count(replicaSet: ReplicaSet, annotation: string): number | undefined {
  const text = replicaSet.metadata.annotations?.[annotation];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** What a set notes about the size of its Deployment. */
export function sizeAnnotations(deployment: Deployment): Annotations {
  const desired = desiredReplicas(deployment);
  return {
    [desiredReplicasAnnotation]: String(desired),
    [maxReplicasAnnotation]: String(desired + limitsOf(deployment).maxSurge),
  };
}

/**
 * Annotations of the set that has the Deployment's template: the Deployment's own, and its revision. A set that becomes the newest
 * again (rollback) notes the revisions it had before.
 */
export function annotationsForNew(
  deployment: Deployment,
  existing: Annotations | undefined,
  newRevision: number,
): Annotations {
  const inherited = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !notInherited.has(key));
  const annotations: Record<string, string> = { ...existing, ...Object.fromEntries(inherited) };
  const before = Number(existing?.[revisionAnnotation] ?? "0");
  if (newRevision > before) {
    annotations[revisionAnnotation] = String(newRevision);
    if (existing?.[revisionAnnotation] !== undefined) {
      const history = existing[revisionHistoryAnnotation];
      annotations[revisionHistoryAnnotation] = history ? `${history},${before}` : String(before);
    }
  }
  return existing === undefined ? { ...annotations, ...sizeAnnotations(deployment) } : annotations;
}
