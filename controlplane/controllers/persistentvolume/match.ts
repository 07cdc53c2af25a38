import { type PersistentVolume, type PersistentVolumeClaim, Quantity } from "../../api/mod.ts";
import { selects } from "../common/label-selector.ts";
import { classOf } from "./annotations.ts";

/** Whether the volume says that it belongs to this claim, also if it was said before the claim existed. */
export function isBoundTo({ spec }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  const ref = spec?.claimRef;
  if (ref === undefined || ref.name !== metadata.name || ref.namespace !== metadata.namespace) return false;
  return ref.uid === undefined || ref.uid === "" || ref.uid === metadata.uid;
}

export function capacityOf({ spec }: PersistentVolume): Quantity {
  return Quantity.of(spec?.capacity?.storage);
}

function requestOf({ spec }: PersistentVolumeClaim): Quantity {
  return Quantity.of(spec?.resources?.requests?.storage);
}

export function sameMode(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (volume.spec?.volumeMode ?? "Filesystem") === (claim.spec?.volumeMode ?? "Filesystem");
}

function sameAttributes(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (volume.spec?.volumeAttributesClassName ?? "") === (claim.spec?.volumeAttributesClassName ?? "");
}

function hasAccessModes(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const offered = new Set(volume.spec?.accessModes);
  return (claim.spec?.accessModes ?? []).every((mode) => offered.has(mode));
}

/** Why a volume that a claim names does not do; undefined when it does. */
export function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (capacityOf(volume).compare(requestOf(claim)) < 0) return "requested PV is too small";
  if (classOf(claim) !== (volume.spec?.storageClassName ?? "")) return "storageClassName does not match";
  if (!sameAttributes(volume, claim)) return "volumeAttributesClassName does not match";
  if (!sameMode(volume, claim)) return "incompatible volumeMode";
  if (!hasAccessModes(volume, claim)) return "incompatible accessMode";
  return undefined;
}

/**
 * The volume that says it belongs to the claim, else the smallest free one that does. While the claim's node is not known
 * (`reservedOnly`) only the former: a free one might be out of the pod's reach.
 */
export function bestMatch(
  claim: PersistentVolumeClaim,
  volumes: Iterable<PersistentVolume>,
  reservedOnly: boolean,
): PersistentVolume | undefined {
  const wanted = requestOf(claim);
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    if (volume.metadata.deletionTimestamp !== undefined || !sameMode(volume, claim)) continue;
    if (!sameAttributes(volume, claim) || capacityOf(volume).compare(wanted) < 0) continue;
    if (isBoundTo(volume, claim)) return volume;
    if (reservedOnly || volume.spec?.claimRef !== undefined || volume.status?.phase !== "Available") continue;
    if (claim.spec?.selector !== undefined && !selects(claim.spec.selector, volume.metadata.labels)) continue;
    if ((volume.spec?.storageClassName ?? "") !== classOf(claim) || !hasAccessModes(volume, claim)) continue;
    if (best === undefined || smaller(volume, best)) best = volume;
  }
  return best;
}

function smaller(a: PersistentVolume, b: PersistentVolume): boolean {
  const order = capacityOf(a).compare(capacityOf(b));
  return order < 0 || (order === 0 && (a.metadata.name ?? "") < (b.metadata.name ?? ""));
}
