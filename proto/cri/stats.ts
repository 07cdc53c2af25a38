import { bigInt64, embedded, repeated, string } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";
import { optionalUint64, stringMap } from "./common.ts";
import { ContainerMetadata } from "./container.ts";
import { FilesystemUsage } from "./image.ts";
import { PodSandboxMetadata } from "./sandbox.ts";

export const CpuUsage = message("runtime.v1.CpuUsage", {
  timestamp: bigInt64(1),
  usageCoreNanoSeconds: optionalUint64(2),
  usageNanoCores: optionalUint64(3),
});
export const MemoryUsage = message("runtime.v1.MemoryUsage", {
  timestamp: bigInt64(1),
  workingSetBytes: optionalUint64(2),
  usageBytes: optionalUint64(4),
  rssBytes: optionalUint64(5),
});
export const NetworkInterfaceUsage = message("runtime.v1.NetworkInterfaceUsage", {
  name: string(1),
  rxBytes: optionalUint64(2),
  rxErrors: optionalUint64(3),
  txBytes: optionalUint64(4),
  txErrors: optionalUint64(5),
});
export const NetworkUsage = message("runtime.v1.NetworkUsage", {
  timestamp: bigInt64(1),
  defaultInterface: embedded(2, () => NetworkInterfaceUsage),
  interfaces: repeated(embedded(3, () => NetworkInterfaceUsage)),
});

export const ContainerAttributes = message("runtime.v1.ContainerAttributes", {
  id: string(1),
  metadata: embedded(2, () => ContainerMetadata),
  labels: stringMap(3),
  annotations: stringMap(4),
});
export const ContainerStats = message("runtime.v1.ContainerStats", {
  attributes: embedded(1, () => ContainerAttributes),
  cpu: embedded(2, () => CpuUsage),
  memory: embedded(3, () => MemoryUsage),
  writableLayer: embedded(4, () => FilesystemUsage),
});
export type ContainerStats = Infer<typeof ContainerStats>;
export const ContainerStatsResponse = message("runtime.v1.ContainerStatsResponse", {
  stats: embedded(1, () => ContainerStats),
});
export const ContainerStatsFilter = message("runtime.v1.ContainerStatsFilter", {
  id: string(1),
  podSandboxId: string(2),
  labelSelector: stringMap(3),
});
export const ListContainerStatsRequest = message("runtime.v1.ListContainerStatsRequest", {
  filter: embedded(1, () => ContainerStatsFilter),
});
export const ListContainerStatsResponse = message("runtime.v1.ListContainerStatsResponse", {
  stats: repeated(embedded(1, () => ContainerStats)),
});

export const PodSandboxAttributes = message("runtime.v1.PodSandboxAttributes", {
  id: string(1),
  metadata: embedded(2, () => PodSandboxMetadata),
  labels: stringMap(3),
  annotations: stringMap(4),
});
export const LinuxPodSandboxStats = message("runtime.v1.LinuxPodSandboxStats", {
  cpu: embedded(1, () => CpuUsage),
  memory: embedded(2, () => MemoryUsage),
  network: embedded(3, () => NetworkUsage),
  containers: repeated(embedded(5, () => ContainerStats)),
});
export const PodSandboxStats = message("runtime.v1.PodSandboxStats", {
  attributes: embedded(1, () => PodSandboxAttributes),
  linux: embedded(2, () => LinuxPodSandboxStats),
});
export type PodSandboxStats = Infer<typeof PodSandboxStats>;
export const PodSandboxStatsResponse = message("runtime.v1.PodSandboxStatsResponse", {
  stats: embedded(1, () => PodSandboxStats),
});
export const PodSandboxStatsFilter = message("runtime.v1.PodSandboxStatsFilter", {
  id: string(1),
  labelSelector: stringMap(2),
});
export const ListPodSandboxStatsRequest = message("runtime.v1.ListPodSandboxStatsRequest", {
  filter: embedded(1, () => PodSandboxStatsFilter),
});
export const ListPodSandboxStatsResponse = message("runtime.v1.ListPodSandboxStatsResponse", {
  stats: repeated(embedded(1, () => PodSandboxStats)),
});
