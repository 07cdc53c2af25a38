import type { Deployment, DeploymentCondition, DeploymentStatus, Pod, ReplicaSet } from "../../api/mod.ts";
import { withCondition } from "../common/conditions.ts";
import { sameJson } from "../common/equality.ts";
import { controllerReference } from "../common/owners.ts";
import { annotationsForNew, maxRevision, revisionAnnotation, revisionOf, sizeAnnotations } from "./annotations.ts";
import { desiredReplicas, isRollingUpdate } from "./limits.ts";
import { growNew, type Resize, shrinkOld, sizeForNew, sizeOf } from "./rolling-update.ts";
import { isScalingEvent, scale } from "./scaling.ts";
import { condition, countsOf, hasDeadline, isComplete, pauseCondition, reasons, rolloutStatus } from "./status.ts";
import { byAge, findNew, templateHash, templateHashLabel } from "./template-hash.ts";

/** One step. The next one is decided when the world shows the effects of this one. */
export interface Plan {
  /** A set for the Deployment's template. Its name may be taken: see collisionCount. */
  readonly create?: ReplicaSet;
  /** The set for the template, with annotations or minReadySeconds that follow the Deployment's. */
  readonly refresh?: ReplicaSet;
  readonly resizes: readonly Resize[];
  /** Old, empty sets beyond the history limit. */
  readonly remove: readonly ReplicaSet[];
  /** The Deployment's revision annotation, when it changes. */
  readonly revision?: string;
  readonly status: DeploymentStatus;
}

export interface Observed {
  readonly deployment: Deployment;
  /** Its own. */
  readonly replicaSets: readonly ReplicaSet[];
  /** Pods of those sets. */
  readonly pods: readonly Pod[];
  readonly nowMs: number;
}

/** The decision alone: same objects, same plan. */
export function plan(observed: Observed): Plan {
  const { nowMs, replicaSets } = observed;
  const paused = pauseCondition(observed.deployment, nowMs);
  const deployment = paused === undefined ? observed.deployment : withStatusCondition(observed.deployment, paused);
  const fresh = findNew(deployment.spec.template, replicaSets);
  // All others are old, also those with the same template that are younger: they are emptied.
  const old = replicaSets.filter((replicaSet) => replicaSet !== fresh);
  if (deployment.metadata.deletionTimestamp !== undefined) {
    const status = countsOf(deployment, fresh, replicaSets, deployment.status?.conditions, nowMs);
    return { resizes: [], remove: [], status };
  }
  if (deployment.spec.paused || isScalingEvent(deployment, replicaSets)) {
    const status = countsOf(deployment, fresh, replicaSets, deployment.status?.conditions, nowMs);
    const remove = deployment.spec.paused ? surplus(deployment, old) : [];
    return {
      ...followNew(deployment, fresh, old),
      resizes: worthwhile(deployment, scale(deployment, fresh, old)),
      remove,
      status,
    };
  }
  return isRollingUpdate(deployment)
    ? rollingUpdate(deployment, fresh, old, nowMs)
    : recreate(deployment, fresh, old, observed.pods, nowMs);
}

function rollingUpdate(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  nowMs: number,
): Plan {
  if (fresh === undefined) return createNew(deployment, sizeForNew(deployment, 0, old), old, nowMs);
  const grow = growNew(deployment, fresh, old);
  const resizes = grow === undefined ? shrinkOld(deployment, fresh, old) : [grow];
  return { ...settle(deployment, fresh, old, nowMs), resizes };
}

/** Nothing new before everything old is gone, pods on their way out included. */
function recreate(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  pods: readonly Pod[],
  nowMs: number,
): Plan {
  const empty = old.filter((replicaSet) => sizeOf(replicaSet) > 0).map((replicaSet) => ({ replicaSet, replicas: 0 }));
  if (empty.length > 0) {
    return {
      ...followNew(deployment, fresh, old),
      resizes: empty,
      remove: [],
      status: rolled(deployment, fresh, old, nowMs),
    };
  }
  if (oldPodsRun(fresh, old, pods)) {
    return {
      ...followNew(deployment, fresh, old),
      resizes: [],
      remove: [],
      status: rolled(deployment, fresh, old, nowMs),
    };
  }
  if (fresh === undefined) return createNew(deployment, desiredReplicas(deployment), old, nowMs);
  const desired = desiredReplicas(deployment);
  const resizes = sizeOf(fresh) === desired ? [] : [{ replicaSet: fresh, replicas: desired }];
  return { ...settle(deployment, fresh, old, nowMs), resizes };
}

function oldPodsRun(fresh: ReplicaSet | undefined, old: readonly ReplicaSet[], pods: readonly Pod[]): boolean {
  if (old.some((replicaSet) => (replicaSet.status?.replicas ?? 0) > 0)) return true;
  return pods.some((pod) => {
    const owner = pod.metadata.ownerReferences?.find((reference) => reference.controller === true);
    if (owner === undefined || owner.uid === fresh?.metadata.uid) return false;
    return pod.status?.phase !== "Failed" && pod.status?.phase !== "Succeeded";
  });
}

/** What every step with an existing new set does besides resizing: keep it in line, clean up when done, report. */
function settle(
  deployment: Deployment,
  fresh: ReplicaSet,
  old: readonly ReplicaSet[],
  nowMs: number,
): Omit<Plan, "resizes"> {
  const found =
    hasDeadline(deployment) && !deployment.status?.conditions?.some(({ type }) => type === "Progressing")
      ? withStatusCondition(
          deployment,
          condition(
            "Progressing",
            "True",
            reasons.foundNewReplicaSet,
            `Found new replica set "${fresh.metadata.name}"`,
            nowMs,
          ),
        )
      : deployment;
  const status = rolled(found, fresh, old, nowMs);
  const remove = isComplete(deployment, deployment.status ?? {}) ? surplus(deployment, old) : [];
  return { ...followNew(deployment, fresh, old), remove, status };
}

function rolled(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
  nowMs: number,
): DeploymentStatus {
  return rolloutStatus(deployment, fresh, fresh === undefined ? old : [...old, fresh], nowMs);
}

/** Keeps the new set's annotations, revision and minReadySeconds in line with the Deployment, and its revision with the set's. */
function followNew(
  deployment: Deployment,
  fresh: ReplicaSet | undefined,
  old: readonly ReplicaSet[],
): Pick<Plan, "refresh" | "revision"> {
  if (fresh === undefined) return {};
  const annotations = annotationsForNew(deployment, fresh.metadata.annotations ?? {}, maxRevision(old) + 1);
  const { minReadySeconds } = deployment.spec;
  const same =
    sameJson(annotations, fresh.metadata.annotations) && (minReadySeconds ?? 0) === (fresh.spec.minReadySeconds ?? 0);
  const revision = annotations[revisionAnnotation];
  return {
    ...(same
      ? {}
      : {
          refresh: {
            ...fresh,
            metadata: { ...fresh.metadata, annotations },
            spec: { ...fresh.spec, minReadySeconds },
          },
        }),
    ...(revision === deployment.metadata.annotations?.[revisionAnnotation] ? {} : { revision }),
  };
}

function createNew(deployment: Deployment, replicas: number, old: readonly ReplicaSet[], nowMs: number): Plan {
  const create = newReplicaSet(deployment, replicas, maxRevision(old) + 1);
  const message = `Created new replica set "${create.metadata.name}"`;
  const noted = hasDeadline(deployment)
    ? withStatusCondition(deployment, condition("Progressing", "True", reasons.newReplicaSet, message, nowMs))
    : deployment;
  const revision = create.metadata.annotations?.[revisionAnnotation];
  const changed = revision === deployment.metadata.annotations?.[revisionAnnotation] ? {} : { revision };
  return { create, ...changed, resizes: [], remove: [], status: rolled(noted, create, old, nowMs) };
}

function newReplicaSet(deployment: Deployment, replicas: number, revision: number): ReplicaSet {
  const { template, selector, minReadySeconds } = deployment.spec;
  const { namespace, name } = deployment.metadata;
  const hash = templateHash(template, deployment.status?.collisionCount);
  const labels = { ...template.metadata?.labels, [templateHashLabel]: hash };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels,
      annotations: { ...annotationsForNew(deployment, undefined, revision) },
      ownerReferences: [controllerReference(deployment, "apps/v1", "Deployment")],
    },
    spec: {
      replicas,
      minReadySeconds,
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [templateHashLabel]: hash } },
      template: { ...template, metadata: { ...template.metadata, name: "", labels } },
    },
  };
}

/** Resizes that change something: the size, or what the set notes about the Deployment's. */
function worthwhile(deployment: Deployment, resizes: readonly Resize[]): Resize[] {
  const notes = Object.entries(sizeAnnotations(deployment));
  return resizes.filter(
    ({ replicaSet, replicas }) =>
      sizeOf(replicaSet) !== replicas || notes.some(([key, value]) => replicaSet.metadata.annotations?.[key] !== value),
  );
}

/** Old sets beyond the history limit, lowest revisions first, that are empty and have shown it. */
function surplus(deployment: Deployment, old: readonly ReplicaSet[]): ReplicaSet[] {
  const limit = deployment.spec.revisionHistoryLimit;
  if (limit === undefined || limit === 0x7fffffff) return [];
  const kept = old.filter((replicaSet) => replicaSet.metadata.deletionTimestamp === undefined);
  const byRevision = (a: ReplicaSet, b: ReplicaSet) => revisionOf(a) - revisionOf(b) || byAge(a, b);
  return [...kept]
    .sort(byRevision)
    .slice(0, Math.max(0, kept.length - limit))
    .filter(
      (replicaSet) =>
        sizeOf(replicaSet) === 0 &&
        (replicaSet.status?.replicas ?? 0) === 0 &&
        (replicaSet.metadata.generation ?? 0) <= (replicaSet.status?.observedGeneration ?? 0),
    );
}

function withStatusCondition(deployment: Deployment, next: DeploymentCondition): Deployment {
  const conditions = withCondition(deployment.status?.conditions, next);
  return { ...deployment, status: { ...deployment.status, conditions } };
}
