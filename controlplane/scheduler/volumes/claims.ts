import type { PersistentVolumeClaim, StorageClass } from "../../api/mod.ts";
import type { Objects } from "../cluster.ts";
import type { PodInfo } from "../pod-info.ts";

/** Written by the scheduler: provision the volume for this node. */
export const selectedNodeAnnotation = "volume.kubernetes.io/selected-node";
/** On a claim and on its volume, once each knows the other. */
const bindCompleted = "pv.kubernetes.io/bind-completed";
export const boundByController = "pv.kubernetes.io/bound-by-controller";

/** "" for a claim that wants a volume without a class. */
export function storageClassOf(claim: PersistentVolumeClaim): string {
  return claim.metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? claim.spec?.storageClassName ?? "";
}

export function isBound(claim: PersistentVolumeClaim): boolean {
  if ((claim.spec?.volumeName ?? "") === "") return false;
  return claim.metadata.annotations?.[bindCompleted] !== undefined || claim.status?.phase === "Bound";
}

export function bindsLate(storageClass: StorageClass | undefined): boolean {
  return storageClass?.volumeBindingMode === "WaitForFirstConsumer";
}

/** Whether the pod uses the claim. */
export function concernsClaim(pod: PodInfo, claim: PersistentVolumeClaim): boolean {
  return claim.metadata.namespace === pod.namespace && pod.claims.includes(claim.metadata.name ?? "");
}

/** A pod's claims, by what there is to do for them. */
export interface PodClaims {
  readonly bound: readonly PersistentVolumeClaim[];
  /** To be bound, or provisioned, once the node is known. */
  readonly late: readonly PersistentVolumeClaim[];
  /** Somebody else binds them; until then the pod waits. */
  readonly immediate: readonly PersistentVolumeClaim[];
}

/** Or the sentence that says which claim cannot be used. */
export function claimsOfPod(pod: PodInfo, objects: Objects): PodClaims | string {
  const claims = { bound: [], late: [], immediate: [] } as Record<keyof PodClaims, PersistentVolumeClaim[]>;
  const ephemeral = new Set(
    (pod.pod.spec?.volumes ?? [])
      .filter((volume) => volume.ephemeral !== undefined)
      .map(({ name }) => `${pod.pod.metadata.name}-${name}`),
  );
  for (const name of pod.claims) {
    const claim = objects.claim(pod.namespace, name);
    if (claim === undefined) {
      if (!ephemeral.has(name)) return `persistentvolumeclaim "${name}" not found`;
      return `waiting for ephemeral volume controller to create the persistentvolumeclaim "${name}"`;
    }
    if (claim.status?.phase === "Lost") {
      return `persistentvolumeclaim "${name}" bound to non-existent persistentvolume "${claim.spec?.volumeName ?? ""}"`;
    }
    if (claim.metadata.deletionTimestamp !== undefined) return `persistentvolumeclaim "${name}" is being deleted`;
    if (ephemeral.has(name) && !claim.metadata.ownerReferences?.some(({ uid }) => uid === pod.pod.metadata.uid)) {
      return `PVC ${pod.namespace}/${name} was not created for pod ${pod.key} (pod is not owner)`;
    }
    if (isBound(claim)) claims.bound.push(claim);
    else if ((claim.spec?.volumeName ?? "") === "" && bindsLate(objects.storageClass(storageClassOf(claim)))) {
      claims.late.push(claim);
    } else claims.immediate.push(claim);
  }
  return claims;
}
