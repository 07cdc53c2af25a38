import type { OwnerReference, PersistentVolumeClaim, Pod, StatefulSet } from "../../api/mod.ts";
import { sameJson } from "../common/equality.ts";
import { controllerReference } from "../common/owners.ts";
import { claimName } from "./identity.ts";

/** Looks a claim up by its name, in the set's namespace. */
export type FindClaim = (name: string) => PersistentVolumeClaim | undefined;

/** What the claims of one pod need before it can have them. */
export interface ClaimWork {
  readonly create: readonly PersistentVolumeClaim[];
  /** Claims with the owners that the retention policy gives them. */
  readonly update: readonly PersistentVolumeClaim[];
  /** Claims that go away together with an earlier pod of this name: its successor waits for new ones. */
  readonly stale: boolean;
}

/**
 * A claim belongs to the set if it is to go with it, to its pod if it is to go when the set shrinks and the pod is about to, else to
 * nobody: the garbage collector does the rest. A claim that somebody else controls is left alone.
 */
export function claimWork(
  set: StatefulSet,
  ordinal: number,
  pod: Pod | undefined,
  condemned: boolean,
  find: FindClaim,
): ClaimWork {
  const create: PersistentVolumeClaim[] = [];
  const update: PersistentVolumeClaim[] = [];
  let stale = false;
  for (const template of set.spec.volumeClaimTemplates ?? []) {
    const existing = find(claimName(template.metadata.name ?? "", set, ordinal));
    if (existing === undefined) {
      if (!condemned) create.push(newClaim(set, template, ordinal));
      continue;
    }
    stale ||= (existing.metadata.ownerReferences ?? []).some((owner) => isEarlierPod(owner, set, ordinal, pod));
    const ownerReferences = ownersOf(set, ordinal, pod, condemned, existing);
    if (!sameJson(ownerReferences, existing.metadata.ownerReferences ?? [])) {
      update.push({ ...existing, metadata: { ...existing.metadata, ownerReferences } });
    }
  }
  return { create, update, stale };
}

function newClaim(set: StatefulSet, template: PersistentVolumeClaim, ordinal: number): PersistentVolumeClaim {
  const { labels, annotations } = template.metadata;
  const claim: PersistentVolumeClaim = {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: {
      name: claimName(template.metadata.name ?? "", set, ordinal),
      namespace: set.metadata.namespace,
      labels: { ...labels, ...set.spec.selector.matchLabels },
      annotations,
    },
    spec: template.spec,
  };
  const ownerReferences = ownersOf(set, ordinal, undefined, false, claim);
  return ownerReferences.length === 0 ? claim : { ...claim, metadata: { ...claim.metadata, ownerReferences } };
}

function ownersOf(
  set: StatefulSet,
  ordinal: number,
  pod: Pod | undefined,
  condemned: boolean,
  claim: PersistentVolumeClaim,
): OwnerReference[] {
  const { whenDeleted = "Retain", whenScaled = "Retain" } = set.spec.persistentVolumeClaimRetentionPolicy ?? {};
  const now = claim.metadata.ownerReferences ?? [];
  const others = now.filter((owner) => owner.uid !== set.metadata.uid && !isPod(owner, set, ordinal));
  if (others.some((owner) => owner.controller === true)) return now;
  const goesWithPod = whenScaled === "Delete" && condemned;
  if (goesWithPod && pod !== undefined) return [...others, controllerReference(pod, "v1", "Pod")];
  if (whenDeleted === "Delete" && !goesWithPod) return [...others, controllerReference(set, "apps/v1", "StatefulSet")];
  return others;
}

function isPod(owner: OwnerReference, set: StatefulSet, ordinal: number): boolean {
  return owner.kind === "Pod" && owner.name === `${set.metadata.name}-${ordinal}`;
}

function isEarlierPod(owner: OwnerReference, set: StatefulSet, ordinal: number, pod: Pod | undefined): boolean {
  return isPod(owner, set, ordinal) && owner.uid !== pod?.metadata.uid;
}
