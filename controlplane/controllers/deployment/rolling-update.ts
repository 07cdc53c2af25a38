import { assert } from "../../../base/mod.ts";
import type { Deployment, ReplicaSet } from "../../api/mod.ts";
import { desiredReplicas, isRollingUpdate, limitsOf } from "./limits.ts";
import { byAge } from "./template-hash.ts";

/** A set and the size it should have. */
export interface Resize {
  readonly replicaSet: ReplicaSet;
  readonly replicas: number;
}

export function sizeOf(replicaSet: ReplicaSet): number {
  return replicaSet.spec.replicas ?? 1;
}

export function totalSize(replicaSets: readonly ReplicaSet[]): number {
  return replicaSets.reduce((sum, replicaSet) => sum + sizeOf(replicaSet), 0);
}

/**
 * Pods that may exist: the size asked for, or more while a set is still being shrunk. The original counts sizes only and so may
 * exceed the surge for the moment between the shrinking of a set and the deletion of its pods.
 */
function occupied(replicaSet: ReplicaSet): number {
  return Math.max(sizeOf(replicaSet), replicaSet.status?.replicas ?? 0);
}

/** Its controller has not looked at its newest size: it may have as many pods as any of its earlier sizes, and its status is of the past. */
function isBehind(replicaSet: ReplicaSet): boolean {
  return (replicaSet.status?.observedGeneration ?? 0) < (replicaSet.metadata.generation ?? 0);
}

/**
 * Available pods that will stay: those of a set that is being shrunk are gone as soon as its status catches up. The original trusts
 * the status and so may, on a late one, take the same pods away twice.
 */
export function available(replicaSet: ReplicaSet): number {
  return Math.min(sizeOf(replicaSet), replicaSet.status?.availableReplicas ?? 0);
}

/** How large the new set may be now: as many as are wanted, as long as all pods together stay within the surge. */
export function sizeForNew(
  deployment: Deployment,
  current: number,
  others: readonly ReplicaSet[],
  own = current,
): number {
  const desired = desiredReplicas(deployment);
  if (!isRollingUpdate(deployment)) return desired;
  // A set that was grown and shrunk again before anybody saw either may have pods that no number here tells of: wait for it.
  if (others.some(isBehind)) return current;
  const pods = own + others.reduce((sum, replicaSet) => sum + occupied(replicaSet), 0);
  const room = desired + limitsOf(deployment).maxSurge - pods;
  return room <= 0 ? current : current + Math.min(room, desired - current);
}

/** One step of growing the new set; undefined when it has its size, or has to wait. */
export function growNew(deployment: Deployment, fresh: ReplicaSet, old: readonly ReplicaSet[]): Resize | undefined {
  const desired = desiredReplicas(deployment);
  const current = sizeOf(fresh);
  const replicas = current > desired ? desired : sizeForNew(deployment, current, old, occupied(fresh));
  return replicas === current ? undefined : { replicaSet: fresh, replicas };
}

/**
 * One step of shrinking the old sets. First what is unavailable anyway (it costs nothing), then available pods, as long as
 * `replicas - maxUnavailable` available ones remain. Pods of the new set that are not available yet count against the step, since old
 * ones must not go while new ones fail to come up. Oldest sets first.
 */
export function shrinkOld(deployment: Deployment, fresh: ReplicaSet, old: readonly ReplicaSet[]): Resize[] {
  const minAvailable = desiredReplicas(deployment) - limitsOf(deployment).maxUnavailable;
  const newUnavailable = sizeOf(fresh) - available(fresh);
  let budget = totalSize([...old, fresh]) - minAvailable - newUnavailable;
  if (budget <= 0) return [];
  const oldest = [...old].sort(byAge);
  const sizes = new Map(oldest.map((replicaSet) => [replicaSet, sizeOf(replicaSet)]));
  const take = (replicaSet: ReplicaSet, most: number) => {
    const count = Math.min(budget, most);
    if (count <= 0) return;
    budget -= count;
    sizes.set(replicaSet, (sizes.get(replicaSet) as number) - count);
  };
  for (const replicaSet of oldest) take(replicaSet, sizeOf(replicaSet) - available(replicaSet));
  budget = Math.min(budget, [...old, fresh].reduce((sum, replicaSet) => sum + available(replicaSet), 0) - minAvailable);
  for (const replicaSet of oldest) take(replicaSet, sizes.get(replicaSet) as number);
  return oldest
    .map((replicaSet) => ({ replicaSet, replicas: sizes.get(replicaSet) as number }))
    .filter(({ replicaSet, replicas }) => {
      assert(replicas >= 0, "a set is never smaller than empty");
      return replicas !== sizeOf(replicaSet);
    });
}
