import {
  atomic,
  atomicObject,
  boolean,
  doc,
  explicit,
  int32,
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
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { Affinity, Toleration, TopologySpreadConstraint } from "./affinity.ts";
import { Container, EphemeralContainer } from "./container.ts";
import { LocalObjectReference } from "./reference.ts";
import { ResourceRequirements } from "./resource.ts";
import { PodSecurityContext } from "./security-context.ts";
import { Volume } from "./volume.ts";

const { message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const HostAlias = message("HostAlias", {
  ip: required(string(1)),
  hostnames: list(2, string, atomic),
});
export interface HostAlias extends Infer<typeof HostAlias> {}

export const PodDNSConfigOption = message("PodDNSConfigOption", {
  name: string(1),
  value: string(2, explicit),
});
export interface PodDNSConfigOption extends Infer<typeof PodDNSConfigOption> {}

export const PodDNSConfig = message("PodDNSConfig", {
  nameservers: list(1, string, atomic),
  searches: list(2, string, atomic),
  options: list<PodDNSConfigOption>(3, PodDNSConfigOption, atomic),
});
export interface PodDNSConfig extends Infer<typeof PodDNSConfig> {}

export const PodOS = message("PodOS", {
  name: required(string(1)),
});
export interface PodOS extends Infer<typeof PodOS> {}

export const PodReadinessGate = message("PodReadinessGate", {
  conditionType: required(string(1)),
});
export interface PodReadinessGate extends Infer<typeof PodReadinessGate> {}

export const PodResourceClaim = message("PodResourceClaim", {
  name: required(string(1)),
  resourceClaimName: string(3, explicit),
  resourceClaimTemplateName: string(4, explicit),
});
export interface PodResourceClaim extends Infer<typeof PodResourceClaim> {}

export const PodSchedulingGate = message("PodSchedulingGate", {
  name: required(string(1)),
});
export interface PodSchedulingGate extends Infer<typeof PodSchedulingGate> {}

export const PodSchedulingGroup = message("PodSchedulingGroup", {
  podGroupName: string(1, explicit),
});
export interface PodSchedulingGroup extends Infer<typeof PodSchedulingGroup> {}

export const PodSpec = message(
  "PodSpec",
  {
    volumes: list<Volume>(
      1,
      Volume,
      keyed("name"),
      mergeBy("name", "retainKeys"),
      doc("Volumes that containers can mount."),
    ),
    initContainers: list<Container>(
      20,
      Container,
      keyed("name"),
      mergeBy("name"),
      doc("Containers that run one after the other before the others start."),
    ),
    containers: required(
      list<Container>(2, Container, keyed("name"), mergeBy("name"), doc("The containers of the pod; at least one.")),
    ),
    ephemeralContainers: list<EphemeralContainer>(34, EphemeralContainer, keyed("name"), mergeBy("name")),
    restartPolicy: oneOf(
      3,
      ["Always", "OnFailure", "Never"],
      doc("When containers that ended are started again. Defaults to Always."),
    ),
    terminationGracePeriodSeconds: int64(
      4,
      explicit,
      doc("How long containers have to end after being told to. Defaults to 30."),
    ),
    activeDeadlineSeconds: int64(5, explicit),
    dnsPolicy: oneOf(6, ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"]),
    nodeSelector: map(7, string, atomicObject, doc("Labels that a node must have to run the pod.")),
    serviceAccountName: string(8, doc("The service account whose identity the pod has.")),
    serviceAccount: string(9),
    automountServiceAccountToken: boolean(21, explicit),
    nodeName: string(10, doc("The node the pod runs on. Set by the scheduler.")),
    hostNetwork: boolean(11),
    hostPID: boolean(12),
    hostIPC: boolean(13),
    shareProcessNamespace: boolean(27, explicit),
    securityContext: one<PodSecurityContext>(14, PodSecurityContext),
    imagePullSecrets: list<LocalObjectReference>(15, LocalObjectReference, keyed("name"), mergeBy("name")),
    hostname: string(16),
    subdomain: string(17),
    affinity: one<Affinity>(18, Affinity, doc("Which nodes and neighbours the pod wants or avoids.")),
    schedulerName: string(19),
    tolerations: list<Toleration>(22, Toleration, atomic, doc("Taints of nodes that the pod accepts.")),
    hostAliases: list<HostAlias>(23, HostAlias, keyed("ip"), mergeBy("ip")),
    priorityClassName: string(24),
    priority: int32(25, explicit),
    dnsConfig: one<PodDNSConfig>(26, PodDNSConfig),
    readinessGates: list<PodReadinessGate>(28, PodReadinessGate, atomic),
    runtimeClassName: string(29, explicit),
    enableServiceLinks: boolean(30, explicit),
    preemptionPolicy: oneOf(31, ["Never", "PreemptLowerPriority"], explicit),
    overhead: map(32, quantity),
    topologySpreadConstraints: list<TopologySpreadConstraint>(
      33,
      TopologySpreadConstraint,
      keyed("topologyKey", "whenUnsatisfiable"),
      mergeBy("topologyKey"),
    ),
    setHostnameAsFQDN: boolean(35, explicit),
    os: one<PodOS>(36, PodOS),
    hostUsers: boolean(37, explicit),
    schedulingGates: list<PodSchedulingGate>(38, PodSchedulingGate, keyed("name"), mergeBy("name")),
    resourceClaims: list<PodResourceClaim>(39, PodResourceClaim, keyed("name"), mergeBy("name", "retainKeys")),
    resources: one<ResourceRequirements>(40, ResourceRequirements),
    hostnameOverride: string(41, explicit),
    schedulingGroup: one<PodSchedulingGroup>(43, PodSchedulingGroup),
  },
  { doc: "What a pod should be." },
);
export interface PodSpec extends Infer<typeof PodSpec> {}
