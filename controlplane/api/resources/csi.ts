import { defaultCSIDriver } from "../defaults/storage.ts";
import {
  csiDriverColumns,
  csiNodeColumns,
  csiStorageCapacityColumns,
  volumeAttachmentColumns,
} from "../printers/storage.ts";
import { CSIDriver, CSINode, CSIStorageCapacity } from "../types/storage/csi.ts";
import { VolumeAttachment } from "../types/storage/volume-attachment.ts";
import {
  validateCSIDriver,
  validateCSIDriverUpdate,
  validateCSINode,
  validateCSINodeUpdate,
  validateCSIStorageCapacity,
  validateCSIStorageCapacityUpdate,
  validateVolumeAttachment,
  validateVolumeAttachmentUpdate,
} from "../validation/csi.ts";
import { resource } from "./resource.ts";

export const csiDrivers = resource<CSIDriver>(CSIDriver, {
  plural: "csidrivers",
  scope: "Cluster",
  hash: "hL6j/rwBV5w=",
  columns: csiDriverColumns,
  strategy: {
    defaults: defaultCSIDriver,
    validate: validateCSIDriver,
    validateUpdate: validateCSIDriverUpdate,
    refuseUnconditionalUpdate: true,
  },
});

export const csiNodes = resource<CSINode>(CSINode, {
  plural: "csinodes",
  scope: "Cluster",
  hash: "Pe62DkZtjuo=",
  columns: csiNodeColumns,
  strategy: { validate: validateCSINode, validateUpdate: validateCSINodeUpdate, refuseUnconditionalUpdate: true },
});

export const csiStorageCapacities = resource<CSIStorageCapacity>(CSIStorageCapacity, {
  plural: "csistoragecapacities",
  scope: "Namespaced",
  hash: "xeVl+2Ly1kE=",
  columns: csiStorageCapacityColumns,
  strategy: {
    validate: validateCSIStorageCapacity,
    validateUpdate: validateCSIStorageCapacityUpdate,
    refuseUnconditionalUpdate: true,
  },
});

export const volumeAttachments = resource<VolumeAttachment>(VolumeAttachment, {
  plural: "volumeattachments",
  scope: "Cluster",
  status: true,
  hash: "tJx/ezt6UDU=",
  columns: volumeAttachmentColumns,
  strategy: {
    validate: validateVolumeAttachment,
    validateUpdate: validateVolumeAttachmentUpdate,
    refuseUnconditionalUpdate: true,
    statusUpdatesMetadata: true,
  },
});
