import {
  always,
  atomic,
  boolean,
  explicit,
  given,
  int32,
  int64,
  keyed,
  list,
  map,
  merge,
  mergeBy,
  one,
  oneOf,
  packageOf,
  quantity,
  required,
  set,
  string,
  time,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";
import { Taint } from "./affinity.ts";

const { kind, message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const AttachedVolume = message("AttachedVolume", {
  name: required(string(1)),
  devicePath: required(string(2)),
});
export interface AttachedVolume extends Infer<typeof AttachedVolume> {}

export const ConfigMapNodeConfigSource = message("ConfigMapNodeConfigSource", {
  namespace: required(string(1)),
  name: required(string(2)),
  uid: string(3),
  resourceVersion: string(4),
  kubeletConfigKey: required(string(5)),
});
export interface ConfigMapNodeConfigSource extends Infer<typeof ConfigMapNodeConfigSource> {}

export const ContainerImage = message("ContainerImage", {
  names: list(1, string, atomic),
  sizeBytes: int64(2),
});
export interface ContainerImage extends Infer<typeof ContainerImage> {}

export const DaemonEndpoint = message("DaemonEndpoint", {
  Port: required(int32(1)),
});
export interface DaemonEndpoint extends Infer<typeof DaemonEndpoint> {}

export const NodeConfigSource = message("NodeConfigSource", {
  configMap: one<ConfigMapNodeConfigSource>(2, ConfigMapNodeConfigSource),
});
export interface NodeConfigSource extends Infer<typeof NodeConfigSource> {}

export const NodeSpec = message(
  "NodeSpec",
  {
    podCIDR: string(1),
    podCIDRs: list(7, string, set, merge),
    providerID: string(3),
    unschedulable: boolean(4),
    taints: list<Taint>(5, Taint, atomic),
    configSource: one<NodeConfigSource>(6, NodeConfigSource),
    externalID: string(2),
  },
  { doc: "How a node takes part in the cluster." },
);
export interface NodeSpec extends Infer<typeof NodeSpec> {}

export const NodeAddress = message("NodeAddress", {
  type: required(oneOf(1, ["Hostname", "InternalIP", "ExternalIP", "InternalDNS", "ExternalDNS"])),
  address: required(string(2)),
});
export interface NodeAddress extends Infer<typeof NodeAddress> {}

export const NodeCondition = message("NodeCondition", {
  type: required(string(1)),
  status: required(oneOf(2, ["True", "False", "Unknown"])),
  lastHeartbeatTime: time(3),
  lastTransitionTime: time(4),
  reason: string(5),
  message: string(6),
});
export interface NodeCondition extends Infer<typeof NodeCondition> {}

export const NodeConfigStatus = message("NodeConfigStatus", {
  assigned: one<NodeConfigSource>(1, NodeConfigSource),
  active: one<NodeConfigSource>(2, NodeConfigSource),
  lastKnownGood: one<NodeConfigSource>(3, NodeConfigSource),
  error: string(4),
});
export interface NodeConfigStatus extends Infer<typeof NodeConfigStatus> {}

export const NodeDaemonEndpoints = message("NodeDaemonEndpoints", {
  kubeletEndpoint: one<DaemonEndpoint>(1, DaemonEndpoint, always),
});
export interface NodeDaemonEndpoints extends Infer<typeof NodeDaemonEndpoints> {}

export const NodeFeatures = message("NodeFeatures", {
  supplementalGroupsPolicy: boolean(1, explicit),
});
export interface NodeFeatures extends Infer<typeof NodeFeatures> {}

export const NodeRuntimeHandlerFeatures = message("NodeRuntimeHandlerFeatures", {
  recursiveReadOnlyMounts: boolean(1, explicit),
  userNamespaces: boolean(2, explicit),
});
export interface NodeRuntimeHandlerFeatures extends Infer<typeof NodeRuntimeHandlerFeatures> {}

export const NodeRuntimeHandler = message("NodeRuntimeHandler", {
  name: string(1),
  features: one<NodeRuntimeHandlerFeatures>(2, NodeRuntimeHandlerFeatures),
});
export interface NodeRuntimeHandler extends Infer<typeof NodeRuntimeHandler> {}

export const NodeSwapStatus = message("NodeSwapStatus", {
  capacity: int64(1, explicit),
});
export interface NodeSwapStatus extends Infer<typeof NodeSwapStatus> {}

export const NodeSystemInfo = message("NodeSystemInfo", {
  machineID: required(string(1)),
  systemUUID: required(string(2)),
  bootID: required(string(3)),
  kernelVersion: required(string(4)),
  osImage: required(string(5)),
  containerRuntimeVersion: required(string(6)),
  kubeletVersion: required(string(7)),
  kubeProxyVersion: required(string(8)),
  operatingSystem: required(string(9)),
  architecture: required(string(10)),
  swap: one<NodeSwapStatus>(11, NodeSwapStatus),
});
export interface NodeSystemInfo extends Infer<typeof NodeSystemInfo> {}

export const NodeStatus = message(
  "NodeStatus",
  {
    capacity: map(1, quantity),
    allocatable: map(2, quantity),
    phase: string(3),
    conditions: list<NodeCondition>(4, NodeCondition, keyed("type"), mergeBy("type")),
    addresses: list<NodeAddress>(5, NodeAddress, keyed("type"), mergeBy("type")),
    daemonEndpoints: one<NodeDaemonEndpoints>(6, NodeDaemonEndpoints, always),
    nodeInfo: one<NodeSystemInfo>(7, NodeSystemInfo, always),
    images: list<ContainerImage>(8, ContainerImage, atomic),
    volumesInUse: list(9, string, atomic),
    volumesAttached: list<AttachedVolume>(10, AttachedVolume, atomic),
    config: one<NodeConfigStatus>(11, NodeConfigStatus),
    runtimeHandlers: list<NodeRuntimeHandler>(12, NodeRuntimeHandler, atomic),
    features: one<NodeFeatures>(13, NodeFeatures),
    declaredFeatures: list(14, string, atomic),
  },
  { doc: "What a node reports of itself." },
);
export interface NodeStatus extends Infer<typeof NodeStatus> {}

export const Node = kind("Node", "A machine that runs pods.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: given(one<NodeSpec>(2, NodeSpec, always)),
  status: one<NodeStatus>(3, NodeStatus, always),
});
export interface Node extends Infer<typeof Node> {}

export const NodeAllocatableResourceClaimStatus = message("NodeAllocatableResourceClaimStatus", {
  resourceClaimName: required(string(1)),
  containers: list(2, string, set),
  resources: required(map(3, quantity)),
});
export interface NodeAllocatableResourceClaimStatus extends Infer<typeof NodeAllocatableResourceClaimStatus> {}

export const NodeList = listOf<Node>(Node);
export interface NodeList extends Infer<typeof NodeList> {}
