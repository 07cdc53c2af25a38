import type { PersistentVolume } from "../types/core/persistent-volume.ts";
import type { PersistentVolumeClaim } from "../types/core/persistent-volume-claim.ts";
import type { CSIDriver } from "../types/storage/csi.ts";
import type { StorageClass } from "../types/storage/storage-class.ts";

export function defaultPersistentVolume(volume: PersistentVolume): void {
  const { spec } = volume;
  volume.status ??= {};
  volume.status.phase ??= "Pending";
  spec.persistentVolumeReclaimPolicy ??= "Retain";
  spec.volumeMode ??= "Filesystem";
  if (spec.hostPath !== undefined) spec.hostPath.type ??= "";
}

export function defaultPersistentVolumeClaim(claim: PersistentVolumeClaim): void {
  claim.status ??= {};
  claim.status.phase ??= "Pending";
  claim.spec.volumeMode ??= "Filesystem";
}

export function defaultStorageClass(storageClass: StorageClass): void {
  storageClass.reclaimPolicy ??= "Delete";
  storageClass.volumeBindingMode ??= "Immediate";
}

export function defaultCSIDriver({ spec }: CSIDriver): void {
  spec.attachRequired ??= true;
  spec.podInfoOnMount ??= false;
  spec.storageCapacity ??= false;
  spec.fsGroupPolicy ??= "ReadWriteOnceWithFSType";
  if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ["Persistent"];
  spec.requiresRepublish ??= false;
  spec.seLinuxMount ??= false;
}
