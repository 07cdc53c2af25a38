import { bool, embedded, enumeration, repeated, string } from "../wire/field.ts";
import { message } from "../wire/message.ts";
import { stringMap } from "./common.ts";

export const Empty = message("runtime.v1.Empty", {});
export const VersionRequest = message("runtime.v1.VersionRequest", { version: string(1) });
export const VersionResponse = message("runtime.v1.VersionResponse", {
  version: string(1),
  runtimeName: string(2),
  runtimeVersion: string(3),
  runtimeApiVersion: string(4),
});

export const RuntimeCondition = message("runtime.v1.RuntimeCondition", {
  type: string(1),
  status: bool(2),
  reason: string(3),
  message: string(4),
});
export const RuntimeStatus = message("runtime.v1.RuntimeStatus", {
  conditions: repeated(embedded(1, () => RuntimeCondition)),
});
export const StatusRequest = message("runtime.v1.StatusRequest", { verbose: bool(1) });
export const StatusResponse = message("runtime.v1.StatusResponse", {
  status: embedded(1, () => RuntimeStatus),
  info: stringMap(2),
});

export const NetworkConfig = message("runtime.v1.NetworkConfig", { podCidr: string(1) });
export const RuntimeConfig = message("runtime.v1.RuntimeConfig", { networkConfig: embedded(1, () => NetworkConfig) });
export const UpdateRuntimeConfigRequest = message("runtime.v1.UpdateRuntimeConfigRequest", {
  runtimeConfig: embedded(1, () => RuntimeConfig),
});
export const CgroupDriver = { SYSTEMD: 0, CGROUPFS: 1 } as const;
export const LinuxRuntimeConfiguration = message("runtime.v1.LinuxRuntimeConfiguration", {
  cgroupDriver: enumeration(1, CgroupDriver),
});
export const RuntimeConfigResponse = message("runtime.v1.RuntimeConfigResponse", {
  linux: embedded(1, () => LinuxRuntimeConfiguration),
});
