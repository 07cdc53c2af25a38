import {
  atomic,
  explicit,
  int64,
  keyed,
  list,
  map,
  mergeBy,
  one,
  oneOf,
  packageOf,
  quantity,
  required,
  string,
  time,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { ContainerExtendedResourceRequest } from "./container.ts";
import { ContainerStatus } from "./container-status.ts";
import { NodeAllocatableResourceClaimStatus } from "./node.ts";
import { ResourceRequirements } from "./resource.ts";

const { message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const HostIP = message("HostIP", {
  ip: required(string(1)),
});
export interface HostIP extends Infer<typeof HostIP> {}

export const PodCondition = message("PodCondition", {
  type: required(string(1)),
  observedGeneration: int64(7),
  status: required(oneOf(2, ["True", "False", "Unknown"])),
  lastProbeTime: time(3),
  lastTransitionTime: time(4),
  reason: string(5),
  message: string(6),
});
export interface PodCondition extends Infer<typeof PodCondition> {}

export const PodExtendedResourceClaimStatus = message("PodExtendedResourceClaimStatus", {
  requestMappings: required(list<ContainerExtendedResourceRequest>(1, ContainerExtendedResourceRequest, atomic)),
  resourceClaimName: required(string(2)),
});
export interface PodExtendedResourceClaimStatus extends Infer<typeof PodExtendedResourceClaimStatus> {}

export const PodIP = message("PodIP", {
  ip: required(string(1)),
});
export interface PodIP extends Infer<typeof PodIP> {}

export const PodResourceClaimStatus = message("PodResourceClaimStatus", {
  name: required(string(1)),
  resourceClaimName: string(2, explicit),
});
export interface PodResourceClaimStatus extends Infer<typeof PodResourceClaimStatus> {}

export const PodStatus = message(
  "PodStatus",
  {
    observedGeneration: int64(17),
    phase: oneOf(1, ["Pending", "Running", "Succeeded", "Failed", "Unknown"]),
    conditions: list<PodCondition>(2, PodCondition, keyed("type"), mergeBy("type")),
    message: string(3),
    reason: string(4),
    nominatedNodeName: string(11),
    hostIP: string(5),
    hostIPs: list<HostIP>(16, HostIP, atomic, mergeBy("ip")),
    podIP: string(6),
    podIPs: list<PodIP>(12, PodIP, keyed("ip"), mergeBy("ip")),
    startTime: time(7),
    initContainerStatuses: list<ContainerStatus>(10, ContainerStatus, atomic),
    containerStatuses: list<ContainerStatus>(8, ContainerStatus, atomic),
    qosClass: oneOf(9, ["Guaranteed", "Burstable", "BestEffort"]),
    ephemeralContainerStatuses: list<ContainerStatus>(13, ContainerStatus, atomic),
    resize: string(14),
    resourceClaimStatuses: list<PodResourceClaimStatus>(
      15,
      PodResourceClaimStatus,
      keyed("name"),
      mergeBy("name", "retainKeys"),
    ),
    extendedResourceClaimStatus: one<PodExtendedResourceClaimStatus>(18, PodExtendedResourceClaimStatus),
    allocatedResources: map(19, quantity),
    resources: one<ResourceRequirements>(20, ResourceRequirements),
    nodeAllocatableResourceClaimStatuses: list<NodeAllocatableResourceClaimStatus>(
      21,
      NodeAllocatableResourceClaimStatus,
      atomic,
    ),
  },
  { doc: "What a pod was last seen to be." },
);
export interface PodStatus extends Infer<typeof PodStatus> {}
