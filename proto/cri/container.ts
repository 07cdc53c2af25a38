import { bigInt64, bool, bytes, embedded, enumeration, int64, repeated, string, uint32 } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";
import {
  ImageSpec,
  LinuxContainerResources,
  Mount,
  NamespaceOption,
  optionalInt64,
  SecurityProfile,
  SupplementalGroupsPolicy,
  stringMap,
} from "./common.ts";
import { PodSandboxConfig, PodSandboxStatus } from "./sandbox.ts";

export const ContainerMetadata = message("runtime.v1.ContainerMetadata", { name: string(1), attempt: uint32(2) });
export type ContainerMetadata = Infer<typeof ContainerMetadata>;

export const Capability = message("runtime.v1.Capability", {
  addCapabilities: repeated(string(1)),
  dropCapabilities: repeated(string(2)),
});

export const LinuxContainerSecurityContext = message("runtime.v1.LinuxContainerSecurityContext", {
  capabilities: embedded(1, () => Capability),
  privileged: bool(2),
  namespaceOptions: embedded(3, () => NamespaceOption),
  runAsUser: optionalInt64(5),
  runAsUsername: string(6),
  readonlyRootfs: bool(7),
  supplementalGroups: repeated(int64(8)),
  noNewPrivs: bool(11),
  runAsGroup: optionalInt64(12),
  maskedPaths: repeated(string(13)),
  readonlyPaths: repeated(string(14)),
  seccomp: embedded(15, () => SecurityProfile),
  apparmor: embedded(16, () => SecurityProfile),
  supplementalGroupsPolicy: enumeration(17, SupplementalGroupsPolicy),
});
export type LinuxContainerSecurityContext = Infer<typeof LinuxContainerSecurityContext>;

export const LinuxContainerConfig = message("runtime.v1.LinuxContainerConfig", {
  resources: embedded(1, () => LinuxContainerResources),
  securityContext: embedded(2, () => LinuxContainerSecurityContext),
});

export const KeyValue = message("runtime.v1.KeyValue", { key: string(1), value: string(2) });
export const Device = message("runtime.v1.Device", {
  containerPath: string(1),
  hostPath: string(2),
  permissions: string(3),
});

export const ContainerConfig = message("runtime.v1.ContainerConfig", {
  metadata: embedded(1, () => ContainerMetadata),
  image: embedded(2, () => ImageSpec),
  command: repeated(string(3)),
  args: repeated(string(4)),
  workingDir: string(5),
  envs: repeated(embedded(6, () => KeyValue)),
  mounts: repeated(embedded(7, () => Mount)),
  devices: repeated(embedded(8, () => Device)),
  labels: stringMap(9),
  annotations: stringMap(10),
  logPath: string(11),
  stdin: bool(12),
  stdinOnce: bool(13),
  tty: bool(14),
  linux: embedded(15, () => LinuxContainerConfig),
});
export type ContainerConfig = Infer<typeof ContainerConfig>;

export const ContainerState = {
  CONTAINER_CREATED: 0,
  CONTAINER_RUNNING: 1,
  CONTAINER_EXITED: 2,
  CONTAINER_UNKNOWN: 3,
} as const;

export const Container = message("runtime.v1.Container", {
  id: string(1),
  podSandboxId: string(2),
  metadata: embedded(3, () => ContainerMetadata),
  image: embedded(4, () => ImageSpec),
  imageRef: string(5),
  state: enumeration(6, ContainerState),
  createdAt: bigInt64(7),
  labels: stringMap(8),
  annotations: stringMap(9),
  imageId: string(10),
});
export type Container = Infer<typeof Container>;

export const ContainerResources = message("runtime.v1.ContainerResources", {
  linux: embedded(1, () => LinuxContainerResources),
});

export const ContainerStatus = message("runtime.v1.ContainerStatus", {
  id: string(1),
  metadata: embedded(2, () => ContainerMetadata),
  state: enumeration(3, ContainerState),
  createdAt: bigInt64(4),
  startedAt: bigInt64(5),
  finishedAt: bigInt64(6),
  exitCode: int64(7),
  image: embedded(8, () => ImageSpec),
  imageRef: string(9),
  reason: string(10),
  message: string(11),
  labels: stringMap(12),
  annotations: stringMap(13),
  mounts: repeated(embedded(14, () => Mount)),
  logPath: string(15),
  resources: embedded(16, () => ContainerResources),
  imageId: string(17),
});
export type ContainerStatus = Infer<typeof ContainerStatus>;

export const CreateContainerRequest = message("runtime.v1.CreateContainerRequest", {
  podSandboxId: string(1),
  config: embedded(2, () => ContainerConfig),
  sandboxConfig: embedded(3, () => PodSandboxConfig),
});
/** The response of CreateContainer, and the request of all calls that want nothing but a container's id. */
export const ContainerId = message("runtime.v1.ContainerId", { containerId: string(1) });
export const StopContainerRequest = message("runtime.v1.StopContainerRequest", {
  containerId: string(1),
  timeout: int64(2),
});
export const ContainerStateValue = message("runtime.v1.ContainerStateValue", { state: enumeration(1, ContainerState) });
export const ContainerFilter = message("runtime.v1.ContainerFilter", {
  id: string(1),
  state: embedded(2, () => ContainerStateValue),
  podSandboxId: string(3),
  labelSelector: stringMap(4),
});
export const ListContainersRequest = message("runtime.v1.ListContainersRequest", {
  filter: embedded(1, () => ContainerFilter),
});
export const ListContainersResponse = message("runtime.v1.ListContainersResponse", {
  containers: repeated(embedded(1, () => Container)),
});
export const ContainerStatusResponse = message("runtime.v1.ContainerStatusResponse", {
  status: embedded(1, () => ContainerStatus),
  info: stringMap(2),
});
export const UpdateContainerResourcesRequest = message("runtime.v1.UpdateContainerResourcesRequest", {
  containerId: string(1),
  linux: embedded(2, () => LinuxContainerResources),
});

export const ExecSyncRequest = message("runtime.v1.ExecSyncRequest", {
  containerId: string(1),
  cmd: repeated(string(2)),
  timeout: int64(3),
});
export const ExecSyncResponse = message("runtime.v1.ExecSyncResponse", {
  stdout: bytes(1),
  stderr: bytes(2),
  exitCode: int64(3),
});
export const ExecRequest = message("runtime.v1.ExecRequest", {
  containerId: string(1),
  cmd: repeated(string(2)),
  tty: bool(3),
  stdin: bool(4),
  stdout: bool(5),
  stderr: bool(6),
});
export const AttachRequest = message("runtime.v1.AttachRequest", {
  containerId: string(1),
  stdin: bool(2),
  tty: bool(3),
  stdout: bool(4),
  stderr: bool(5),
});
export const PortForwardRequest = message("runtime.v1.PortForwardRequest", {
  podSandboxId: string(1),
  port: repeated(int64(2)),
});
/** The response of Exec, Attach and PortForward. */
export const StreamUrl = message("runtime.v1.StreamUrl", { url: string(1) });

export const ContainerEventType = {
  CONTAINER_CREATED_EVENT: 0,
  CONTAINER_STARTED_EVENT: 1,
  CONTAINER_STOPPED_EVENT: 2,
  CONTAINER_DELETED_EVENT: 3,
} as const;

export const ContainerEventResponse = message("runtime.v1.ContainerEventResponse", {
  containerId: string(1),
  containerEventType: enumeration(2, ContainerEventType),
  createdAt: bigInt64(3),
  podSandboxStatus: embedded(4, () => PodSandboxStatus),
  containersStatuses: repeated(embedded(5, () => ContainerStatus)),
});
