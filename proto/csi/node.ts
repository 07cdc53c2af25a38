import { bool, embedded, enumeration, int64, oneof, repeated, string } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";
import { CapacityRange, Entry, Topology, VolumeCapability, VolumeCondition } from "./common.ts";

export const VolumeUsageUnit = { UNKNOWN: 0, BYTES: 1, INODES: 2 } as const;
export type VolumeUsageUnit = (typeof VolumeUsageUnit)[keyof typeof VolumeUsageUnit];

export const NodeServiceCapabilityRPCType = {
  UNKNOWN: 0,
  STAGE_UNSTAGE_VOLUME: 1,
  GET_VOLUME_STATS: 2,
  EXPAND_VOLUME: 3,
  VOLUME_CONDITION: 4,
  SINGLE_NODE_MULTI_WRITER: 5,
  VOLUME_MOUNT_GROUP: 6,
} as const;
export type NodeServiceCapabilityRPCType =
  (typeof NodeServiceCapabilityRPCType)[keyof typeof NodeServiceCapabilityRPCType];

export const NodeStageVolumeRequest = message("csi.v1.NodeStageVolumeRequest", {
  volumeId: string(1),
  publishContext: repeated(embedded(2, () => Entry)),
  stagingTargetPath: string(3),
  volumeCapability: embedded(4, () => VolumeCapability),
  secrets: repeated(embedded(5, () => Entry)),
  volumeContext: repeated(embedded(6, () => Entry)),
});
export type NodeStageVolumeRequest = Infer<typeof NodeStageVolumeRequest>;

export const NodeStageVolumeResponse = message("csi.v1.NodeStageVolumeResponse", {});
export type NodeStageVolumeResponse = Infer<typeof NodeStageVolumeResponse>;

export const NodeUnstageVolumeRequest = message("csi.v1.NodeUnstageVolumeRequest", {
  volumeId: string(1),
  stagingTargetPath: string(2),
});
export type NodeUnstageVolumeRequest = Infer<typeof NodeUnstageVolumeRequest>;

export const NodeUnstageVolumeResponse = message("csi.v1.NodeUnstageVolumeResponse", {});
export type NodeUnstageVolumeResponse = Infer<typeof NodeUnstageVolumeResponse>;

export const NodePublishVolumeRequest = message("csi.v1.NodePublishVolumeRequest", {
  volumeId: string(1),
  publishContext: repeated(embedded(2, () => Entry)),
  stagingTargetPath: string(3),
  targetPath: string(4),
  volumeCapability: embedded(5, () => VolumeCapability),
  readonly: bool(6),
  secrets: repeated(embedded(7, () => Entry)),
  volumeContext: repeated(embedded(8, () => Entry)),
});
export type NodePublishVolumeRequest = Infer<typeof NodePublishVolumeRequest>;

export const NodePublishVolumeResponse = message("csi.v1.NodePublishVolumeResponse", {});
export type NodePublishVolumeResponse = Infer<typeof NodePublishVolumeResponse>;

export const NodeUnpublishVolumeRequest = message("csi.v1.NodeUnpublishVolumeRequest", {
  volumeId: string(1),
  targetPath: string(2),
});
export type NodeUnpublishVolumeRequest = Infer<typeof NodeUnpublishVolumeRequest>;

export const NodeUnpublishVolumeResponse = message("csi.v1.NodeUnpublishVolumeResponse", {});
export type NodeUnpublishVolumeResponse = Infer<typeof NodeUnpublishVolumeResponse>;

export const NodeGetVolumeStatsRequest = message("csi.v1.NodeGetVolumeStatsRequest", {
  volumeId: string(1),
  volumePath: string(2),
  stagingTargetPath: string(3),
});
export type NodeGetVolumeStatsRequest = Infer<typeof NodeGetVolumeStatsRequest>;

export const NodeGetVolumeStatsResponse = message("csi.v1.NodeGetVolumeStatsResponse", {
  usage: repeated(embedded(1, () => VolumeUsage)),
  volumeCondition: embedded(2, () => VolumeCondition),
});
export type NodeGetVolumeStatsResponse = Infer<typeof NodeGetVolumeStatsResponse>;

export const VolumeUsage = message("csi.v1.VolumeUsage", {
  available: int64(1),
  total: int64(2),
  used: int64(3),
  unit: enumeration(4, VolumeUsageUnit),
});
export type VolumeUsage = Infer<typeof VolumeUsage>;

export const NodeExpandVolumeRequest = message("csi.v1.NodeExpandVolumeRequest", {
  volumeId: string(1),
  volumePath: string(2),
  capacityRange: embedded(3, () => CapacityRange),
  stagingTargetPath: string(4),
  volumeCapability: embedded(5, () => VolumeCapability),
  secrets: repeated(embedded(6, () => Entry)),
});
export type NodeExpandVolumeRequest = Infer<typeof NodeExpandVolumeRequest>;

export const NodeExpandVolumeResponse = message("csi.v1.NodeExpandVolumeResponse", {
  capacityBytes: int64(1),
});
export type NodeExpandVolumeResponse = Infer<typeof NodeExpandVolumeResponse>;

export const NodeGetCapabilitiesRequest = message("csi.v1.NodeGetCapabilitiesRequest", {});
export type NodeGetCapabilitiesRequest = Infer<typeof NodeGetCapabilitiesRequest>;

export const NodeGetCapabilitiesResponse = message("csi.v1.NodeGetCapabilitiesResponse", {
  capabilities: repeated(embedded(1, () => NodeServiceCapability)),
});
export type NodeGetCapabilitiesResponse = Infer<typeof NodeGetCapabilitiesResponse>;

export const NodeServiceCapability = message("csi.v1.NodeServiceCapability", {
  ...oneof({
    rpc: embedded(1, () => NodeServiceCapabilityRPC),
  }),
});
export type NodeServiceCapability = Infer<typeof NodeServiceCapability>;

export const NodeServiceCapabilityRPC = message("csi.v1.NodeServiceCapability.RPC", {
  type: enumeration(1, NodeServiceCapabilityRPCType),
});
export type NodeServiceCapabilityRPC = Infer<typeof NodeServiceCapabilityRPC>;

export const NodeGetInfoRequest = message("csi.v1.NodeGetInfoRequest", {});
export type NodeGetInfoRequest = Infer<typeof NodeGetInfoRequest>;

export const NodeGetInfoResponse = message("csi.v1.NodeGetInfoResponse", {
  nodeId: string(1),
  maxVolumesPerNode: int64(2),
  accessibleTopology: embedded(3, () => Topology),
});
export type NodeGetInfoResponse = Infer<typeof NodeGetInfoResponse>;
