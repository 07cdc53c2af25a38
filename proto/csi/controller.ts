import { bool, embedded, enumeration, int64, oneof, repeated, string, uint32 } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";
import { CapacityRange, Entry, Topology, VolumeCapability, VolumeCondition } from "./common.ts";

export const ControllerServiceCapabilityRPCType = {
  UNKNOWN: 0,
  CREATE_DELETE_VOLUME: 1,
  PUBLISH_UNPUBLISH_VOLUME: 2,
  LIST_VOLUMES: 3,
  GET_CAPACITY: 4,
  CREATE_DELETE_SNAPSHOT: 5,
  LIST_SNAPSHOTS: 6,
  CLONE_VOLUME: 7,
  PUBLISH_READONLY: 8,
  EXPAND_VOLUME: 9,
  LIST_VOLUMES_PUBLISHED_NODES: 10,
  VOLUME_CONDITION: 11,
  GET_VOLUME: 12,
  SINGLE_NODE_MULTI_WRITER: 13,
  MODIFY_VOLUME: 14,
  GET_SNAPSHOT: 15,
} as const;
export type ControllerServiceCapabilityRPCType =
  (typeof ControllerServiceCapabilityRPCType)[keyof typeof ControllerServiceCapabilityRPCType];

export const CreateVolumeRequest = message("csi.v1.CreateVolumeRequest", {
  name: string(1),
  capacityRange: embedded(2, () => CapacityRange),
  volumeCapabilities: repeated(embedded(3, () => VolumeCapability)),
  parameters: repeated(embedded(4, () => Entry)),
  secrets: repeated(embedded(5, () => Entry)),
  volumeContentSource: embedded(6, () => VolumeContentSource),
  accessibilityRequirements: embedded(7, () => TopologyRequirement),
  mutableParameters: repeated(embedded(8, () => Entry)),
});
export type CreateVolumeRequest = Infer<typeof CreateVolumeRequest>;

export const VolumeContentSource = message("csi.v1.VolumeContentSource", {
  ...oneof({
    snapshot: embedded(1, () => VolumeContentSourceSnapshotSource),
    volume: embedded(2, () => VolumeContentSourceVolumeSource),
  }),
});
export type VolumeContentSource = Infer<typeof VolumeContentSource>;

export const VolumeContentSourceSnapshotSource = message("csi.v1.VolumeContentSource.SnapshotSource", {
  snapshotId: string(1),
});
export type VolumeContentSourceSnapshotSource = Infer<typeof VolumeContentSourceSnapshotSource>;

export const VolumeContentSourceVolumeSource = message("csi.v1.VolumeContentSource.VolumeSource", {
  volumeId: string(1),
});
export type VolumeContentSourceVolumeSource = Infer<typeof VolumeContentSourceVolumeSource>;

export const TopologyRequirement = message("csi.v1.TopologyRequirement", {
  requisite: repeated(embedded(1, () => Topology)),
  preferred: repeated(embedded(2, () => Topology)),
});
export type TopologyRequirement = Infer<typeof TopologyRequirement>;

export const CreateVolumeResponse = message("csi.v1.CreateVolumeResponse", {
  volume: embedded(1, () => Volume),
});
export type CreateVolumeResponse = Infer<typeof CreateVolumeResponse>;

export const Volume = message("csi.v1.Volume", {
  capacityBytes: int64(1),
  volumeId: string(2),
  volumeContext: repeated(embedded(3, () => Entry)),
  contentSource: embedded(4, () => VolumeContentSource),
  accessibleTopology: repeated(embedded(5, () => Topology)),
});
export type Volume = Infer<typeof Volume>;

export const DeleteVolumeRequest = message("csi.v1.DeleteVolumeRequest", {
  volumeId: string(1),
  secrets: repeated(embedded(2, () => Entry)),
});
export type DeleteVolumeRequest = Infer<typeof DeleteVolumeRequest>;

export const DeleteVolumeResponse = message("csi.v1.DeleteVolumeResponse", {});
export type DeleteVolumeResponse = Infer<typeof DeleteVolumeResponse>;

export const ControllerPublishVolumeRequest = message("csi.v1.ControllerPublishVolumeRequest", {
  volumeId: string(1),
  nodeId: string(2),
  volumeCapability: embedded(3, () => VolumeCapability),
  readonly: bool(4),
  secrets: repeated(embedded(5, () => Entry)),
  volumeContext: repeated(embedded(6, () => Entry)),
});
export type ControllerPublishVolumeRequest = Infer<typeof ControllerPublishVolumeRequest>;

export const ControllerPublishVolumeResponse = message("csi.v1.ControllerPublishVolumeResponse", {
  publishContext: repeated(embedded(1, () => Entry)),
});
export type ControllerPublishVolumeResponse = Infer<typeof ControllerPublishVolumeResponse>;

export const ControllerUnpublishVolumeRequest = message("csi.v1.ControllerUnpublishVolumeRequest", {
  volumeId: string(1),
  nodeId: string(2),
  secrets: repeated(embedded(3, () => Entry)),
});
export type ControllerUnpublishVolumeRequest = Infer<typeof ControllerUnpublishVolumeRequest>;

export const ControllerUnpublishVolumeResponse = message("csi.v1.ControllerUnpublishVolumeResponse", {});
export type ControllerUnpublishVolumeResponse = Infer<typeof ControllerUnpublishVolumeResponse>;

export const ValidateVolumeCapabilitiesRequest = message("csi.v1.ValidateVolumeCapabilitiesRequest", {
  volumeId: string(1),
  volumeContext: repeated(embedded(2, () => Entry)),
  volumeCapabilities: repeated(embedded(3, () => VolumeCapability)),
  parameters: repeated(embedded(4, () => Entry)),
  secrets: repeated(embedded(5, () => Entry)),
  mutableParameters: repeated(embedded(6, () => Entry)),
});
export type ValidateVolumeCapabilitiesRequest = Infer<typeof ValidateVolumeCapabilitiesRequest>;

export const ValidateVolumeCapabilitiesResponse = message("csi.v1.ValidateVolumeCapabilitiesResponse", {
  confirmed: embedded(1, () => ValidateVolumeCapabilitiesResponseConfirmed),
  message: string(2),
});
export type ValidateVolumeCapabilitiesResponse = Infer<typeof ValidateVolumeCapabilitiesResponse>;

export const ValidateVolumeCapabilitiesResponseConfirmed = message(
  "csi.v1.ValidateVolumeCapabilitiesResponse.Confirmed",
  {
    volumeContext: repeated(embedded(1, () => Entry)),
    volumeCapabilities: repeated(embedded(2, () => VolumeCapability)),
    parameters: repeated(embedded(3, () => Entry)),
    mutableParameters: repeated(embedded(4, () => Entry)),
  },
);
export type ValidateVolumeCapabilitiesResponseConfirmed = Infer<typeof ValidateVolumeCapabilitiesResponseConfirmed>;

export const ListVolumesRequest = message("csi.v1.ListVolumesRequest", {
  maxEntries: uint32(1),
  startingToken: string(2),
});
export type ListVolumesRequest = Infer<typeof ListVolumesRequest>;

export const ListVolumesResponse = message("csi.v1.ListVolumesResponse", {
  entries: repeated(embedded(1, () => ListVolumesResponseEntry)),
  nextToken: string(2),
});
export type ListVolumesResponse = Infer<typeof ListVolumesResponse>;

export const ListVolumesResponseEntry = message("csi.v1.ListVolumesResponse.Entry", {
  volume: embedded(1, () => Volume),
  status: embedded(2, () => ListVolumesResponseVolumeStatus),
});
export type ListVolumesResponseEntry = Infer<typeof ListVolumesResponseEntry>;

export const ListVolumesResponseVolumeStatus = message("csi.v1.ListVolumesResponse.VolumeStatus", {
  publishedNodeIds: repeated(string(1)),
  volumeCondition: embedded(2, () => VolumeCondition),
});
export type ListVolumesResponseVolumeStatus = Infer<typeof ListVolumesResponseVolumeStatus>;

export const GetCapacityRequest = message("csi.v1.GetCapacityRequest", {
  volumeCapabilities: repeated(embedded(1, () => VolumeCapability)),
  parameters: repeated(embedded(2, () => Entry)),
  accessibleTopology: embedded(3, () => Topology),
});
export type GetCapacityRequest = Infer<typeof GetCapacityRequest>;

export const GetCapacityResponse = message("csi.v1.GetCapacityResponse", {
  availableCapacity: int64(1),
  maximumVolumeSize: embedded(2, () => Int64Value),
  minimumVolumeSize: embedded(3, () => Int64Value),
});
export type GetCapacityResponse = Infer<typeof GetCapacityResponse>;

export const Int64Value = message("google.protobuf.Int64Value", {
  value: int64(1),
});
export type Int64Value = Infer<typeof Int64Value>;

export const ControllerGetCapabilitiesRequest = message("csi.v1.ControllerGetCapabilitiesRequest", {});
export type ControllerGetCapabilitiesRequest = Infer<typeof ControllerGetCapabilitiesRequest>;

export const ControllerGetCapabilitiesResponse = message("csi.v1.ControllerGetCapabilitiesResponse", {
  capabilities: repeated(embedded(1, () => ControllerServiceCapability)),
});
export type ControllerGetCapabilitiesResponse = Infer<typeof ControllerGetCapabilitiesResponse>;

export const ControllerServiceCapability = message("csi.v1.ControllerServiceCapability", {
  ...oneof({
    rpc: embedded(1, () => ControllerServiceCapabilityRPC),
  }),
});
export type ControllerServiceCapability = Infer<typeof ControllerServiceCapability>;

export const ControllerServiceCapabilityRPC = message("csi.v1.ControllerServiceCapability.RPC", {
  type: enumeration(1, ControllerServiceCapabilityRPCType),
});
export type ControllerServiceCapabilityRPC = Infer<typeof ControllerServiceCapabilityRPC>;

export const CreateSnapshotRequest = message("csi.v1.CreateSnapshotRequest", {
  sourceVolumeId: string(1),
  name: string(2),
  secrets: repeated(embedded(3, () => Entry)),
  parameters: repeated(embedded(4, () => Entry)),
});
export type CreateSnapshotRequest = Infer<typeof CreateSnapshotRequest>;

export const CreateSnapshotResponse = message("csi.v1.CreateSnapshotResponse", {
  snapshot: embedded(1, () => Snapshot),
});
export type CreateSnapshotResponse = Infer<typeof CreateSnapshotResponse>;

export const Snapshot = message("csi.v1.Snapshot", {
  sizeBytes: int64(1),
  snapshotId: string(2),
  sourceVolumeId: string(3),
  creationTime: embedded(4, () => Timestamp),
  readyToUse: bool(5),
  groupSnapshotId: string(6),
});
export type Snapshot = Infer<typeof Snapshot>;

export const Timestamp = message("google.protobuf.Timestamp", {
  seconds: int64(1),
  nanos: uint32(2),
});
export type Timestamp = Infer<typeof Timestamp>;

export const DeleteSnapshotRequest = message("csi.v1.DeleteSnapshotRequest", {
  snapshotId: string(1),
  secrets: repeated(embedded(2, () => Entry)),
});
export type DeleteSnapshotRequest = Infer<typeof DeleteSnapshotRequest>;

export const DeleteSnapshotResponse = message("csi.v1.DeleteSnapshotResponse", {});
export type DeleteSnapshotResponse = Infer<typeof DeleteSnapshotResponse>;

export const ListSnapshotsRequest = message("csi.v1.ListSnapshotsRequest", {
  maxEntries: uint32(1),
  startingToken: string(2),
  sourceVolumeId: string(3),
  snapshotId: string(4),
  secrets: repeated(embedded(5, () => Entry)),
});
export type ListSnapshotsRequest = Infer<typeof ListSnapshotsRequest>;

export const ListSnapshotsResponse = message("csi.v1.ListSnapshotsResponse", {
  entries: repeated(embedded(1, () => ListSnapshotsResponseEntry)),
  nextToken: string(2),
});
export type ListSnapshotsResponse = Infer<typeof ListSnapshotsResponse>;

export const ListSnapshotsResponseEntry = message("csi.v1.ListSnapshotsResponse.Entry", {
  snapshot: embedded(1, () => Snapshot),
});
export type ListSnapshotsResponseEntry = Infer<typeof ListSnapshotsResponseEntry>;

export const GetSnapshotRequest = message("csi.v1.GetSnapshotRequest", {
  snapshotId: string(1),
  secrets: repeated(embedded(2, () => Entry)),
});
export type GetSnapshotRequest = Infer<typeof GetSnapshotRequest>;

export const GetSnapshotResponse = message("csi.v1.GetSnapshotResponse", {
  snapshot: embedded(1, () => Snapshot),
});
export type GetSnapshotResponse = Infer<typeof GetSnapshotResponse>;

export const ControllerExpandVolumeRequest = message("csi.v1.ControllerExpandVolumeRequest", {
  volumeId: string(1),
  capacityRange: embedded(2, () => CapacityRange),
  secrets: repeated(embedded(3, () => Entry)),
  volumeCapability: embedded(4, () => VolumeCapability),
});
export type ControllerExpandVolumeRequest = Infer<typeof ControllerExpandVolumeRequest>;

export const ControllerExpandVolumeResponse = message("csi.v1.ControllerExpandVolumeResponse", {
  capacityBytes: int64(1),
  nodeExpansionRequired: bool(2),
});
export type ControllerExpandVolumeResponse = Infer<typeof ControllerExpandVolumeResponse>;

export const ControllerGetVolumeRequest = message("csi.v1.ControllerGetVolumeRequest", {
  volumeId: string(1),
});
export type ControllerGetVolumeRequest = Infer<typeof ControllerGetVolumeRequest>;

export const ControllerGetVolumeResponse = message("csi.v1.ControllerGetVolumeResponse", {
  volume: embedded(1, () => Volume),
  status: embedded(2, () => ControllerGetVolumeResponseVolumeStatus),
});
export type ControllerGetVolumeResponse = Infer<typeof ControllerGetVolumeResponse>;

export const ControllerGetVolumeResponseVolumeStatus = message("csi.v1.ControllerGetVolumeResponse.VolumeStatus", {
  publishedNodeIds: repeated(string(1)),
  volumeCondition: embedded(2, () => VolumeCondition),
});
export type ControllerGetVolumeResponseVolumeStatus = Infer<typeof ControllerGetVolumeResponseVolumeStatus>;

export const ControllerModifyVolumeRequest = message("csi.v1.ControllerModifyVolumeRequest", {
  volumeId: string(1),
  secrets: repeated(embedded(2, () => Entry)),
  mutableParameters: repeated(embedded(3, () => Entry)),
});
export type ControllerModifyVolumeRequest = Infer<typeof ControllerModifyVolumeRequest>;

export const ControllerModifyVolumeResponse = message("csi.v1.ControllerModifyVolumeResponse", {});
export type ControllerModifyVolumeResponse = Infer<typeof ControllerModifyVolumeResponse>;
