import { bool, embedded, enumeration, int64, oneof, repeated, string } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";

/** One pair of a protobuf `map<string, string>`, which is a list of such pairs on the wire. */
export const Entry = message("csi.v1.Entry", { key: string(1), value: string(2) });
export type Entry = Infer<typeof Entry>;

export const VolumeCapabilityAccessModeMode = {
  UNKNOWN: 0,
  SINGLE_NODE_WRITER: 1,
  SINGLE_NODE_READER_ONLY: 2,
  MULTI_NODE_READER_ONLY: 3,
  MULTI_NODE_SINGLE_WRITER: 4,
  MULTI_NODE_MULTI_WRITER: 5,
  SINGLE_NODE_SINGLE_WRITER: 6,
  SINGLE_NODE_MULTI_WRITER: 7,
} as const;
export type VolumeCapabilityAccessModeMode =
  (typeof VolumeCapabilityAccessModeMode)[keyof typeof VolumeCapabilityAccessModeMode];

export const CapacityRange = message("csi.v1.CapacityRange", {
  requiredBytes: int64(1),
  limitBytes: int64(2),
});
export type CapacityRange = Infer<typeof CapacityRange>;

export const VolumeCapability = message("csi.v1.VolumeCapability", {
  ...oneof({
    block: embedded(1, () => VolumeCapabilityBlockVolume),
    mount: embedded(2, () => VolumeCapabilityMountVolume),
  }),
  accessMode: embedded(3, () => VolumeCapabilityAccessMode),
});
export type VolumeCapability = Infer<typeof VolumeCapability>;

export const VolumeCapabilityBlockVolume = message("csi.v1.VolumeCapability.BlockVolume", {});
export type VolumeCapabilityBlockVolume = Infer<typeof VolumeCapabilityBlockVolume>;

export const VolumeCapabilityMountVolume = message("csi.v1.VolumeCapability.MountVolume", {
  fsType: string(1),
  mountFlags: repeated(string(2)),
  volumeMountGroup: string(3),
});
export type VolumeCapabilityMountVolume = Infer<typeof VolumeCapabilityMountVolume>;

export const VolumeCapabilityAccessMode = message("csi.v1.VolumeCapability.AccessMode", {
  mode: enumeration(1, VolumeCapabilityAccessModeMode),
});
export type VolumeCapabilityAccessMode = Infer<typeof VolumeCapabilityAccessMode>;

export const Topology = message("csi.v1.Topology", {
  segments: repeated(embedded(1, () => Entry)),
});
export type Topology = Infer<typeof Topology>;

export const VolumeCondition = message("csi.v1.VolumeCondition", {
  abnormal: bool(1),
  message: string(2),
});
export type VolumeCondition = Infer<typeof VolumeCondition>;
