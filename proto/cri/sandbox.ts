import { bigInt64, bool, embedded, enumeration, int64, repeated, string, uint32 } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";
import {
  LinuxContainerResources,
  NamespaceOption,
  optionalInt64,
  SecurityProfile,
  SupplementalGroupsPolicy,
  stringMap,
} from "./common.ts";

export const PodSandboxMetadata = message("runtime.v1.PodSandboxMetadata", {
  name: string(1),
  uid: string(2),
  namespace: string(3),
  attempt: uint32(4),
});
export type PodSandboxMetadata = Infer<typeof PodSandboxMetadata>;

export const DNSConfig = message("runtime.v1.DNSConfig", {
  servers: repeated(string(1)),
  searches: repeated(string(2)),
  options: repeated(string(3)),
});

export const LinuxSandboxSecurityContext = message("runtime.v1.LinuxSandboxSecurityContext", {
  namespaceOptions: embedded(1, () => NamespaceOption),
  runAsUser: optionalInt64(3),
  readonlyRootfs: bool(4),
  supplementalGroups: repeated(int64(5)),
  privileged: bool(6),
  runAsGroup: optionalInt64(8),
  seccomp: embedded(9, () => SecurityProfile),
  apparmor: embedded(10, () => SecurityProfile),
  supplementalGroupsPolicy: enumeration(11, SupplementalGroupsPolicy),
});

export const LinuxPodSandboxConfig = message("runtime.v1.LinuxPodSandboxConfig", {
  cgroupParent: string(1),
  securityContext: embedded(2, () => LinuxSandboxSecurityContext),
  sysctls: stringMap(3),
  overhead: embedded(4, () => LinuxContainerResources),
  resources: embedded(5, () => LinuxContainerResources),
});

export const PodSandboxConfig = message("runtime.v1.PodSandboxConfig", {
  metadata: embedded(1, () => PodSandboxMetadata),
  hostname: string(2),
  logDirectory: string(3),
  dnsConfig: embedded(4, () => DNSConfig),
  labels: stringMap(6),
  annotations: stringMap(7),
  linux: embedded(8, () => LinuxPodSandboxConfig),
});
export type PodSandboxConfig = Infer<typeof PodSandboxConfig>;

export const PodSandboxState = { SANDBOX_READY: 0, SANDBOX_NOTREADY: 1 } as const;

export const PodIP = message("runtime.v1.PodIP", { ip: string(1) });
export const PodSandboxNetworkStatus = message("runtime.v1.PodSandboxNetworkStatus", {
  ip: string(1),
  additionalIps: repeated(embedded(2, () => PodIP)),
});
export const Namespace = message("runtime.v1.Namespace", { options: embedded(2, () => NamespaceOption) });
export const LinuxPodSandboxStatus = message("runtime.v1.LinuxPodSandboxStatus", {
  namespaces: embedded(1, () => Namespace),
});

export const PodSandboxStatus = message("runtime.v1.PodSandboxStatus", {
  id: string(1),
  metadata: embedded(2, () => PodSandboxMetadata),
  state: enumeration(3, PodSandboxState),
  createdAt: bigInt64(4),
  network: embedded(5, () => PodSandboxNetworkStatus),
  linux: embedded(6, () => LinuxPodSandboxStatus),
  labels: stringMap(7),
  annotations: stringMap(8),
  runtimeHandler: string(9),
});
export type PodSandboxStatus = Infer<typeof PodSandboxStatus>;

export const PodSandbox = message("runtime.v1.PodSandbox", {
  id: string(1),
  metadata: embedded(2, () => PodSandboxMetadata),
  state: enumeration(3, PodSandboxState),
  createdAt: bigInt64(4),
  labels: stringMap(5),
  annotations: stringMap(6),
  runtimeHandler: string(7),
});
export type PodSandbox = Infer<typeof PodSandbox>;

export const RunPodSandboxRequest = message("runtime.v1.RunPodSandboxRequest", {
  config: embedded(1, () => PodSandboxConfig),
  runtimeHandler: string(2),
});
/** Also the request of StopPodSandbox, RemovePodSandbox, PodSandboxStatus and PodSandboxStats, and the response of RunPodSandbox. */
export const PodSandboxId = message("runtime.v1.PodSandboxId", { podSandboxId: string(1) });
export const PodSandboxStatusResponse = message("runtime.v1.PodSandboxStatusResponse", {
  status: embedded(1, () => PodSandboxStatus),
  info: stringMap(2),
});
export const PodSandboxStateValue = message("runtime.v1.PodSandboxStateValue", {
  state: enumeration(1, PodSandboxState),
});
export const PodSandboxFilter = message("runtime.v1.PodSandboxFilter", {
  id: string(1),
  state: embedded(2, () => PodSandboxStateValue),
  labelSelector: stringMap(3),
});
export const ListPodSandboxRequest = message("runtime.v1.ListPodSandboxRequest", {
  filter: embedded(1, () => PodSandboxFilter),
});
export const ListPodSandboxResponse = message("runtime.v1.ListPodSandboxResponse", {
  items: repeated(embedded(1, () => PodSandbox)),
});
