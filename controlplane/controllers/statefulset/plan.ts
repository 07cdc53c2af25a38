import type { PersistentVolumeClaim, Pod, StatefulSet, StatefulSetStatus } from "../../api/mod.ts";
import { availableInMs, isAvailable, isTerminal } from "../common/pods.ts";
import { templateOf } from "../history/revisions.ts";
import { ordinalOf, podFor, revisionOf, startOrdinal, withIdentity } from "./identity.ts";
import { isRunningAndReady, type Revisions, statusOf } from "./status.ts";
import { claimWork, type FindClaim } from "./volume-claims.ts";

/** What is to be done about one pod. Its claims come first. */
export interface Step {
  readonly kind: "create" | "delete" | "repair" | "claims";
  /** For `repair`, as it should be. */
  readonly pod: Pod;
  /** Of `delete`: finished pods make room for their successors. */
  readonly why?: "finished" | "surplus" | "outdated";
  readonly createClaims?: readonly PersistentVolumeClaim[];
  readonly updateClaims?: readonly PersistentVolumeClaim[];
}

export interface Plan {
  readonly steps: readonly Step[];
  readonly status: StatefulSetStatus;
  readonly afterMs?: number;
}

export interface Observed {
  readonly set: StatefulSet;
  /** Its own. */
  readonly pods: readonly Pod[];
  readonly revisions: Revisions;
  readonly findClaim: FindClaim;
  readonly nowMs: number;
}

/** How long a pod waits for the claims of its predecessor to go. */
const staleClaimCheckMs = 1000;

/**
 * One step of bringing the set to its size and template. `OrderedReady` does one thing at a time: pods come in the order of their
 * ordinals, each when the one before is available, and go in the opposite order. `Parallel` does not wait. Either way an update goes
 * from the highest ordinal down, and an update that never becomes ready stops everything, also its own rollback, until somebody deletes
 * the pod: the original waits for a pod before it looks at what the pod is.
 */
export function plan(observed: Observed): Plan {
  const { set, pods, revisions, nowMs } = observed;
  const status = statusOf(set, pods, revisions, nowMs);
  if (set.metadata.deletionTimestamp !== undefined) return { steps: [], status };
  const { replicas: size = 1, podManagementPolicy, minReadySeconds = 0 } = set.spec;
  const ordered = podManagementPolicy !== "Parallel";
  const start = startOrdinal(set);
  const replicas = new Array<Pod | undefined>(size).fill(undefined);
  const condemned: [ordinal: number, pod: Pod][] = [];
  for (const pod of pods) {
    const ordinal = ordinalOf(set, pod);
    if (ordinal === undefined) continue;
    if (ordinal >= start && ordinal < start + size) replicas[ordinal - start] = pod;
    else condemned.push([ordinal, pod]);
  }
  condemned.sort(([a], [b]) => b - a);
  const steps: Step[] = [];
  let afterMs: number | undefined;
  const wait = (ms: number) => {
    afterMs = Math.min(afterMs ?? ms, Math.max(1, ms));
  };

  const done = (): Plan => ({ steps, status, ...(afterMs === undefined ? {} : { afterMs }) });

  for (const [index, pod] of replicas.entries()) {
    const blocked = keep(observed, start + index, pod, steps, wait);
    if (blocked && ordered) return done();
  }
  const firstUnhealthy = [...replicas, ...condemned.map(([, pod]) => pod).reverse()].find(
    (pod) => pod !== undefined && !isHealthy(pod),
  );
  for (const [ordinal, pod] of condemned) {
    const { update } = claimWork(set, ordinal, pod, true, observed.findClaim);
    if (update.length > 0) steps.push({ kind: "claims", pod, updateClaims: update });
  }
  for (const [, pod] of condemned) {
    if (isGoing(pod)) {
      if (ordered) return done();
      continue;
    }
    // The pod that is in the way of all others may go before it is ready; the rest keeps its order.
    if (ordered && pod !== firstUnhealthy) {
      if (!isRunningAndReady(pod)) return done();
      const leftMs = availableInMs(pod, minReadySeconds, nowMs);
      if (leftMs !== undefined && leftMs > 0) {
        wait(leftMs);
        return done();
      }
    }
    steps.push({ kind: "delete", pod, why: "surplus" });
    if (ordered) return done();
  }
  if (set.spec.updateStrategy?.type !== "OnDelete") steps.push(...outdated(observed, replicas));
  return done();
}

/** Brings one ordinal's pod about. True when an ordered set has to stop here. */
function keep(
  observed: Observed,
  ordinal: number,
  pod: Pod | undefined,
  steps: Step[],
  wait: (ms: number) => void,
): boolean {
  const { set, findClaim, nowMs } = observed;
  const claims = claimWork(set, ordinal, pod, false, findClaim);
  const claimSteps = { createClaims: claims.create, updateClaims: claims.update };
  if (pod === undefined) {
    if (claims.stale) wait(staleClaimCheckMs);
    else steps.push({ kind: "create", pod: newPod(observed, ordinal), ...claimSteps });
    return true;
  }
  if (isTerminal(pod)) {
    if (!isGoing(pod)) steps.push({ kind: "delete", pod, why: "finished" });
    return true;
  }
  const isPending = pod.status?.phase === undefined || pod.status.phase === "Pending";
  if (isPending && claims.create.length > 0) steps.push({ kind: "claims", pod, createClaims: claims.create });
  if (isGoing(pod) || !isRunningAndReady(pod)) {
    if (set.spec.podManagementPolicy !== "Parallel") return true;
  } else {
    const leftMs = availableInMs(pod, set.spec.minReadySeconds ?? 0, nowMs) ?? 0;
    if (leftMs > 0) {
      wait(leftMs);
      if (set.spec.podManagementPolicy !== "Parallel") return true;
    }
  }
  const right = withIdentity(set, pod, ordinal);
  if (right !== pod) steps.push({ kind: "repair", pod: right, ...claimSteps });
  else if (claims.update.length > 0) steps.push({ kind: "claims", pod, updateClaims: claims.update });
  return false;
}

/** Ordinals below the partition keep the current revision, also when their pods are made anew. */
function newPod({ set, revisions: { current, update } }: Observed, ordinal: number): Pod {
  const { type, rollingUpdate } = set.spec.updateStrategy ?? {};
  const partition = rollingUpdate?.partition ?? 0;
  const revision = type !== "OnDelete" && ordinal < startOrdinal(set) + partition ? current : update;
  const template = revision === update ? set.spec.template : templateOf(revision);
  return podFor(set, template, revision.metadata.name ?? "", ordinal);
}

/** Pods of older revisions that may go now. */
function outdated({ set, revisions, nowMs }: Observed, replicas: readonly (Pod | undefined)[]): Step[] {
  const { partition = 0, maxUnavailable } = set.spec.updateStrategy?.rollingUpdate ?? {};
  const update = revisions.update.metadata.name ?? "";
  const isOld = (pod: Pod) => revisionOf(pod) !== update && !isGoing(pod);
  const highestFirst = replicas.slice(partition).reverse();
  if (maxUnavailable === undefined) {
    // One after the other: the next one goes when all above it are healthy again.
    const next = highestFirst.find((pod) => pod === undefined || isOld(pod) || !isHealthy(pod));
    return next !== undefined && isOld(next) ? [{ kind: "delete", pod: next, why: "outdated" }] : [];
  }
  const { minReadySeconds = 0 } = set.spec;
  const isUp = (pod: Pod | undefined) =>
    pod !== undefined && isHealthy(pod) && isAvailable(pod, minReadySeconds, nowMs);
  const budget = unavailableLimit(maxUnavailable, replicas.length) - replicas.filter((pod) => !isUp(pod)).length;
  return highestFirst
    .filter((pod) => pod !== undefined && isOld(pod))
    .slice(0, Math.max(0, budget))
    .map((pod) => ({ kind: "delete", pod: pod as Pod, why: "outdated" }));
}

function unavailableLimit(value: number | string, replicas: number): number {
  const percent = typeof value === "string" ? /^(\d+)%$/.exec(value)?.[1] : undefined;
  const count = percent === undefined ? Number(value) : Math.ceil((Number(percent) * replicas) / 100);
  return Number.isNaN(count) ? 1 : Math.max(1, count);
}

function isGoing(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

function isHealthy(pod: Pod): boolean {
  return isRunningAndReady(pod) && !isGoing(pod);
}
