import { defaultStorageClass } from "../defaults/storage.ts";
import { StorageClass } from "../types/storage/storage-class.ts";
import { VolumeAttributesClass } from "../types/storage/volume-attributes-class.ts";
import { resource } from "./resource.ts";

export const storageClasses = resource<StorageClass>(StorageClass, {
  plural: "storageclasses",
  shortNames: ["sc"],
  scope: "Cluster",
  hash: "K+m6uJwbjGY=",
  strategy: { defaults: defaultStorageClass },
});

export const volumeAttributesClasses = resource<VolumeAttributesClass>(VolumeAttributesClass, {
  plural: "volumeattributesclasses",
  shortNames: ["vac"],
  scope: "Cluster",
  hash: "tIjydgKBC5w=",
});
