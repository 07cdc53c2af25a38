import type { Deployment, ReplicaSet } from "../../api/mod.ts";
import { desiredWhenScaled, maxWhenScaled } from "./annotations.ts";
import { desiredReplicas, isRollingUpdate, limitsOf } from "./limits.ts";
import { type Resize, sizeOf, totalSize } from "./rolling-update.ts";
import { byAge } from "./template-hash.ts";

/** Whether somebody changed the Deployment's size since its sets were last scaled. */
export function isScalingEvent(deployment: Deployment, replicaSets: readonly ReplicaSet[]): boolean {
  const desired = desiredReplicas(deployment);
  return replicaSets
    .filter((replicaSet) => sizeOf(replicaSet) > 0)
    .some((replicaSet) => {
      const noted = desiredWhenScaled(replicaSet);
      return noted !== undefined && noted !== desired;
    });
}

/**
 * What a new size means in the middle of a rollout, or while paused: one set alone takes it whole; several share it in proportion to
 * their sizes, so that a bad rollout does not grow just because the Deployment does. Also returns sets whose size stays, so that
 * they note the Deployment's new one.
 */
export function scale(deployment: Deployment, fresh: ReplicaSet | undefined, old: readonly ReplicaSet[]): Resize[] {
  const desired = desiredReplicas(deployment);
  const all = fresh === undefined ? [...old] : [fresh, ...old];
  const active = all.filter((replicaSet) => sizeOf(replicaSet) > 0);
  if (active.length <= 1) {
    const only = active[0] ?? fresh ?? [...old].sort(byAge).at(-1);
    return only === undefined ? [] : [{ replicaSet: only, replicas: desired }];
  }
  if (fresh !== undefined && isSaturated(deployment, fresh)) {
    return active.filter((replicaSet) => replicaSet !== fresh).map((replicaSet) => ({ replicaSet, replicas: 0 }));
  }
  return isRollingUpdate(deployment) ? share(deployment, active) : [];
}

/** The new set has all the Deployment wants, and noted that, and all of it is available. */
function isSaturated(deployment: Deployment, fresh: ReplicaSet): boolean {
  const desired = desiredReplicas(deployment);
  return (
    sizeOf(fresh) === desired &&
    desiredWhenScaled(fresh) === desired &&
    (fresh.status?.availableReplicas ?? 0) === desired
  );
}

function share(deployment: Deployment, active: readonly ReplicaSet[]): Resize[] {
  const desired = desiredReplicas(deployment);
  const allowed = desired > 0 ? desired + limitsOf(deployment).maxSurge : 0;
  const toAdd = allowed - totalSize(active);
  // The largest first: what rounding leaves over goes to it. Of equals, growing prefers newer, shrinking older sets.
  const newer = (a: ReplicaSet, b: ReplicaSet) => sizeOf(b) - sizeOf(a) || (toAdd > 0 ? byAge(b, a) : byAge(a, b));
  const sorted = [...active].sort(newer);
  let added = 0;
  const resizes = sorted.map((replicaSet) => {
    const left = toAdd - added;
    const fraction = fractionOf(deployment, replicaSet);
    const part = toAdd > 0 ? Math.max(0, Math.min(fraction, left)) : Math.min(0, Math.max(fraction, left));
    added += part;
    return { replicaSet, replicas: sizeOf(replicaSet) + part };
  });
  const [largest, ...rest] = resizes;
  if (largest === undefined) return [];
  return [{ ...largest, replicas: Math.max(0, largest.replicas + toAdd - added) }, ...rest];
}

/** How much the set changes if it keeps its share of what the Deployment allows. */
function fractionOf(deployment: Deployment, replicaSet: ReplicaSet): number {
  const desired = desiredReplicas(deployment);
  if (desired === 0) return -sizeOf(replicaSet);
  const before = maxWhenScaled(replicaSet) ?? deployment.status?.replicas ?? 0;
  if (before === 0) return 0;
  const now = desired + limitsOf(deployment).maxSurge;
  return Math.round((sizeOf(replicaSet) * now) / before) - sizeOf(replicaSet);
}
