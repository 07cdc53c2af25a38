import { defaultPersistentVolume, defaultPersistentVolumeClaim } from "../defaults/storage.ts";
import { persistentVolumeClaimColumns, persistentVolumeColumns } from "../printers/storage.ts";
import { PersistentVolume } from "../types/core/persistent-volume.ts";
import { PersistentVolumeClaim } from "../types/core/persistent-volume-claim.ts";
import {
  persistentVolumeClaimWarnings,
  persistentVolumeWarnings,
  validatePersistentVolume,
  validatePersistentVolumeClaim,
  validatePersistentVolumeClaimStatus,
  validatePersistentVolumeClaimUpdate,
  validatePersistentVolumeUpdate,
} from "../validation/volumes.ts";
import { resource } from "./resource.ts";

export const persistentVolumes = resource<PersistentVolume>(PersistentVolume, {
  plural: "persistentvolumes",
  shortNames: ["pv"],
  scope: "Cluster",
  status: true,
  hash: "HN/zwEC+JgM=",
  columns: persistentVolumeColumns,
  strategy: {
    defaults: defaultPersistentVolume,
    validate: validatePersistentVolume,
    validateUpdate: validatePersistentVolumeUpdate,
    warnings: persistentVolumeWarnings,
    prepareForCreate: (volume) => {
      volume.status = { phase: "Pending" };
    },
  },
  selectableFields: { name: (volume) => volume.metadata.name },
});

export const persistentVolumeClaims = resource<PersistentVolumeClaim>(PersistentVolumeClaim, {
  plural: "persistentvolumeclaims",
  shortNames: ["pvc"],
  scope: "Namespaced",
  status: true,
  hash: "QWTyNDq0dC4=",
  columns: persistentVolumeClaimColumns,
  strategy: {
    defaults: defaultPersistentVolumeClaim,
    validate: validatePersistentVolumeClaim,
    validateUpdate: validatePersistentVolumeClaimUpdate,
    validateStatusUpdate: validatePersistentVolumeClaimStatus,
    warnings: persistentVolumeClaimWarnings,
    prepareForCreate: (claim) => {
      claim.status = { phase: "Pending" };
    },
  },
  selectableFields: { name: (claim) => claim.metadata.name },
});
