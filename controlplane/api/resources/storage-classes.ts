import { defaultStorageClass } from "../defaults/storage.ts";
import { storageClassColumns, volumeAttributesClassColumns } from "../printers/storage.ts";
import { StorageClass } from "../types/storage/storage-class.ts";
import { VolumeAttributesClass } from "../types/storage/volume-attributes-class.ts";
import {
  validateStorageClass,
  validateStorageClassUpdate,
  validateVolumeAttributesClass,
  validateVolumeAttributesClassUpdate,
} from "../validation/storage-class.ts";
import { resource } from "./resource.ts";

export const storageClasses = resource<StorageClass>(StorageClass, {
  plural: "storageclasses",
  shortNames: ["sc"],
  scope: "Cluster",
  hash: "K+m6uJwbjGY=",
  columns: storageClassColumns,
  strategy: {
    defaults: defaultStorageClass,
    validate: validateStorageClass,
    validateUpdate: validateStorageClassUpdate,
  },
});

export const volumeAttributesClasses = resource<VolumeAttributesClass>(VolumeAttributesClass, {
  plural: "volumeattributesclasses",
  shortNames: ["vac"],
  scope: "Cluster",
  hash: "tIjydgKBC5w=",
  columns: volumeAttributesClassColumns,
  strategy: { validate: validateVolumeAttributesClass, validateUpdate: validateVolumeAttributesClassUpdate },
});
