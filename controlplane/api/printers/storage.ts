import type { PersistentVolume } from "../types/core/persistent-volume.ts";
import type { PersistentVolumeClaim } from "../types/core/persistent-volume-claim.ts";
import type { CSIDriver, CSINode, CSIStorageCapacity } from "../types/storage/csi.ts";
import type { StorageClass } from "../types/storage/storage-class.ts";
import type { VolumeAttachment } from "../types/storage/volume-attachment.ts";
import type { VolumeAttributesClass } from "../types/storage/volume-attributes-class.ts";
import { ageColumn, type Column, classNameColumn, column, joined, nameColumn, wide } from "./column.ts";

const unset = "<unset>";

export const persistentVolumeColumns: readonly Column<PersistentVolume>[] = [
  nameColumn,
  column("Capacity", "How much it holds.", ({ spec }) => spec.capacity?.storage ?? "0"),
  column("Access Modes", "How it may be mounted.", ({ spec }) => modesText(spec.accessModes)),
  column("Reclaim Policy", "What becomes of it after use.", ({ spec }) => spec.persistentVolumeReclaimPolicy ?? ""),
  column("Status", "Whether it is in use.", phaseOf),
  column("Claim", "Who uses it.", ({ spec: { claimRef } }) => {
    return claimRef === undefined ? "" : `${claimRef.namespace ?? ""}/${claimRef.name ?? ""}`;
  }),
  column("StorageClass", "Its class.", classOf),
  column("VolumeAttributesClass", "Class of its attributes.", (v) => v.spec.volumeAttributesClassName ?? unset),
  column("Reason", "Why it failed.", ({ status }) => status?.reason ?? ""),
  ageColumn,
  wide(column("VolumeMode", "File system or block device.", ({ spec }) => spec.volumeMode ?? unset)),
];

export const persistentVolumeClaimColumns: readonly Column<PersistentVolumeClaim>[] = [
  nameColumn,
  column("Status", "Whether it has a volume.", phaseOf),
  column("Volume", "Its volume.", ({ spec }) => spec.volumeName ?? ""),
  column("Capacity", "How much that holds.", ({ spec, status }) => {
    return spec.volumeName ? (status?.capacity?.storage ?? "0") : "";
  }),
  column("Access Modes", "How it may be mounted.", ({ spec, status }) => {
    return spec.volumeName ? modesText(status?.accessModes) : "";
  }),
  column("StorageClass", "The class it asks for.", classOf),
  column("VolumeAttributesClass", "Class of attributes it asks for.", (c) => c.spec.volumeAttributesClassName ?? unset),
  ageColumn,
  wide(column("VolumeMode", "File system or block device.", ({ spec }) => spec.volumeMode ?? unset)),
];

type Stored = PersistentVolume | PersistentVolumeClaim;

function phaseOf({ metadata, status }: Stored): string {
  return metadata.deletionTimestamp === undefined ? (status?.phase ?? "") : "Terminating";
}

/** Before classes had a field of their own they were an annotation, which still counts. */
function classOf({ metadata, spec }: Stored): string {
  return metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? spec.storageClassName ?? "";
}

const shortModes = { ReadWriteOnce: "RWO", ReadOnlyMany: "ROX", ReadWriteMany: "RWX", ReadWriteOncePod: "RWOP" };

function modesText(modes: readonly string[] = []): string {
  const known = Object.entries(shortModes).filter(([mode]) => modes.includes(mode));
  return known.map(([, short]) => short).join(",");
}

export const storageClassColumns: readonly Column<StorageClass>[] = [
  classNameColumn("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"),
  column("Provisioner", "Who makes its volumes.", ({ provisioner }) => provisioner),
  column("ReclaimPolicy", "What becomes of them after use.", ({ reclaimPolicy }) => reclaimPolicy ?? "Delete"),
  column("VolumeBindingMode", "When claims get one.", ({ volumeBindingMode }) => volumeBindingMode ?? "Immediate"),
  column(
    "AllowVolumeExpansion",
    "Whether they can grow.",
    (storageClass) => storageClass.allowVolumeExpansion ?? false,
  ),
  ageColumn,
];

export const volumeAttributesClassColumns: readonly Column<VolumeAttributesClass>[] = [
  nameColumn,
  column("DriverName", "Whose attributes they are.", ({ driverName }) => driverName),
  ageColumn,
];

export const csiDriverColumns: readonly Column<CSIDriver>[] = [
  nameColumn,
  column("AttachRequired", "Whether volumes are attached first.", (d) => d.spec.attachRequired ?? true, "boolean"),
  column("PodInfoOnMount", "Whether it is told of the pod.", (d) => d.spec.podInfoOnMount ?? false, "boolean"),
  column("StorageCapacity", "Whether it tells what is left.", (d) => d.spec.storageCapacity ?? false, "boolean"),
  column("TokenRequests", "For whom it wants tokens of the pod.", ({ spec: { tokenRequests } }) => {
    return tokenRequests === undefined ? unset : tokenRequests.map(({ audience }) => audience).join(",");
  }),
  column(
    "RequiresRepublish",
    "Whether it mounts again and again.",
    (d) => d.spec.requiresRepublish ?? false,
    "boolean",
  ),
  column("Modes", "Lifecycles of its volumes.", ({ spec }) => joined(spec.volumeLifecycleModes ?? [])),
  ageColumn,
];

export const csiNodeColumns: readonly Column<CSINode>[] = [
  nameColumn,
  column("Drivers", "Number of drivers on the node.", ({ spec }) => (spec.drivers ?? []).length, "integer"),
  ageColumn,
];

export const csiStorageCapacityColumns: readonly Column<CSIStorageCapacity>[] = [
  nameColumn,
  column("StorageClassName", "Class of the storage.", ({ storageClassName }) => storageClassName),
  column("Capacity", "What is left.", ({ capacity }) => capacity ?? unset),
];

export const volumeAttachmentColumns: readonly Column<VolumeAttachment>[] = [
  nameColumn,
  { ...column<VolumeAttachment>("Attacher", "The driver that attaches.", ({ spec }) => spec.attacher), format: "name" },
  column("PV", "What is attached.", ({ spec }) => spec.source.persistentVolumeName ?? ""),
  column("Node", "Where to.", ({ spec }) => spec.nodeName),
  column("Attached", "Whether it is.", ({ status }) => status?.attached ?? false, "boolean"),
  ageColumn,
];
