import {
  matchesLabels,
  matchesNodeSelector,
  type Node,
  type PersistentVolume,
  type PersistentVolumeClaim,
  Quantity,
  type StorageClass,
} from "../../api/mod.ts";
import { selectorOf } from "../affinity-term.ts";
import type { Objects } from "../cluster.ts";
import { storageClassOf } from "./claims.ts";

/** Bytes. */
export function requestedStorage(claim: PersistentVolumeClaim): number {
  return Quantity.of(claim.spec?.resources?.requests?.storage ?? "0").value();
}

function capacityOf(volume: PersistentVolume): number {
  return Quantity.of(volume.spec?.capacity?.storage ?? "0").value();
}

/** A volume may be bound to certain nodes: local disks, zones. */
export function isReachable(volume: PersistentVolume, node: Node): boolean {
  const required = volume.spec?.nodeAffinity?.required;
  return required === undefined || matchesNodeSelector(required, node);
}

export function isReservedFor(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const reference = volume.spec?.claimRef;
  if (reference === undefined) return false;
  if (reference.namespace !== claim.metadata.namespace || reference.name !== claim.metadata.name) return false;
  return !reference.uid || reference.uid === claim.metadata.uid;
}

function isFreeFor(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { spec, status, metadata } = volume;
  if (metadata.deletionTimestamp !== undefined) return false;
  if ((spec?.volumeMode ?? "Filesystem") !== (claim.spec?.volumeMode ?? "Filesystem")) return false;
  if ((spec?.volumeAttributesClassName ?? "") !== (claim.spec?.volumeAttributesClassName ?? "")) return false;
  if (capacityOf(volume) < requestedStorage(claim)) return false;
  if (isReservedFor(volume, claim)) return true;
  if (spec?.claimRef !== undefined || (status?.phase ?? "Available") !== "Available") return false;
  const { selector, accessModes = [] } = claim.spec ?? {};
  if (selector !== undefined && !matchesLabels(selectorOf(selector), metadata.labels)) return false;
  return accessModes.every((mode) => spec?.accessModes?.includes(mode));
}

/**
 * The smallest volume that meets the claim and can be reached from the node; one that is reserved for the claim is the only one that
 * it gets (component-helpers/storage/volume, FindMatchingVolume).
 */
export function findVolume(
  claim: PersistentVolumeClaim,
  node: Node,
  taken: ReadonlySet<string>,
  objects: Objects,
): PersistentVolume | undefined {
  let best: PersistentVolume | undefined;
  for (const volume of objects.volumesOfClass(storageClassOf(claim))) {
    if (taken.has(volume.metadata.name ?? "") || !isFreeFor(volume, claim)) continue;
    if (isReservedFor(volume, claim)) return isReachable(volume, node) ? volume : undefined;
    if (!isReachable(volume, node)) continue;
    if (best === undefined || capacityOf(volume) < capacityOf(best)) best = volume;
  }
  return best;
}

/** Whether the class makes volumes for nodes like this one. A term without any requirement is for none. */
export function allowsTopology(storageClass: StorageClass, node: Node): boolean {
  const terms = storageClass.allowedTopologies ?? [];
  const labels = node.metadata.labels ?? {};
  return (
    terms.length === 0 ||
    terms.some(
      ({ matchLabelExpressions = [] }) =>
        matchLabelExpressions.length > 0 &&
        matchLabelExpressions.every(({ key, values }) => labels[key] !== undefined && values.includes(labels[key])),
    )
  );
}

/** Drivers that publish how much storage is left where are believed; of the others it is assumed that there is enough. */
export function hasCapacity(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  node: Node,
  objects: Objects,
): boolean {
  if (objects.csiDriver(storageClass.provisioner)?.spec.storageCapacity !== true) return true;
  const size = requestedStorage(claim);
  for (const capacity of objects.capacities()) {
    if (capacity.storageClassName !== storageClass.metadata.name || capacity.nodeTopology === undefined) continue;
    const limit = capacity.maximumVolumeSize ?? capacity.capacity;
    if (limit === undefined || Quantity.of(limit).value() < size) continue;
    if (matchesLabels(selectorOf(capacity.nodeTopology), node.metadata.labels)) return true;
  }
  return false;
}
