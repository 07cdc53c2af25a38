import { bool, embedded, enumeration, oneof, repeated, string } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";
import { Entry } from "./common.ts";

export const PluginCapabilityServiceType = {
  UNKNOWN: 0,
  CONTROLLER_SERVICE: 1,
  VOLUME_ACCESSIBILITY_CONSTRAINTS: 2,
  GROUP_CONTROLLER_SERVICE: 3,
  SNAPSHOT_METADATA_SERVICE: 4,
} as const;
export type PluginCapabilityServiceType =
  (typeof PluginCapabilityServiceType)[keyof typeof PluginCapabilityServiceType];

export const PluginCapabilityVolumeExpansionType = { UNKNOWN: 0, ONLINE: 1, OFFLINE: 2 } as const;
export type PluginCapabilityVolumeExpansionType =
  (typeof PluginCapabilityVolumeExpansionType)[keyof typeof PluginCapabilityVolumeExpansionType];

export const GetPluginInfoRequest = message("csi.v1.GetPluginInfoRequest", {});
export type GetPluginInfoRequest = Infer<typeof GetPluginInfoRequest>;

export const GetPluginInfoResponse = message("csi.v1.GetPluginInfoResponse", {
  name: string(1),
  vendorVersion: string(2),
  manifest: repeated(embedded(3, () => Entry)),
});
export type GetPluginInfoResponse = Infer<typeof GetPluginInfoResponse>;

export const GetPluginCapabilitiesRequest = message("csi.v1.GetPluginCapabilitiesRequest", {});
export type GetPluginCapabilitiesRequest = Infer<typeof GetPluginCapabilitiesRequest>;

export const GetPluginCapabilitiesResponse = message("csi.v1.GetPluginCapabilitiesResponse", {
  capabilities: repeated(embedded(1, () => PluginCapability)),
});
export type GetPluginCapabilitiesResponse = Infer<typeof GetPluginCapabilitiesResponse>;

export const PluginCapability = message("csi.v1.PluginCapability", {
  ...oneof({
    service: embedded(1, () => PluginCapabilityService),
    volumeExpansion: embedded(2, () => PluginCapabilityVolumeExpansion),
  }),
});
export type PluginCapability = Infer<typeof PluginCapability>;

export const PluginCapabilityService = message("csi.v1.PluginCapability.Service", {
  type: enumeration(1, PluginCapabilityServiceType),
});
export type PluginCapabilityService = Infer<typeof PluginCapabilityService>;

export const PluginCapabilityVolumeExpansion = message("csi.v1.PluginCapability.VolumeExpansion", {
  type: enumeration(1, PluginCapabilityVolumeExpansionType),
});
export type PluginCapabilityVolumeExpansion = Infer<typeof PluginCapabilityVolumeExpansion>;

export const ProbeRequest = message("csi.v1.ProbeRequest", {});
export type ProbeRequest = Infer<typeof ProbeRequest>;

export const ProbeResponse = message("csi.v1.ProbeResponse", {
  ready: embedded(1, () => BoolValue),
});
export type ProbeResponse = Infer<typeof ProbeResponse>;

export const BoolValue = message("google.protobuf.BoolValue", {
  value: bool(1),
});
export type BoolValue = Infer<typeof BoolValue>;
