import {
  always,
  atomic,
  atomicObject,
  boolean,
  defaultsTo,
  doc,
  explicit,
  given,
  int32,
  intOrString,
  keyed,
  list,
  map,
  mergeBy,
  one,
  oneOf,
  packageOf,
  required,
  string,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { Condition } from "../meta/condition.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";

const { kind, message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const ClientIPConfig = message("ClientIPConfig", {
  timeoutSeconds: int32(1, explicit),
});
export interface ClientIPConfig extends Infer<typeof ClientIPConfig> {}

export const PortStatus = message("PortStatus", {
  port: required(int32(1)),
  protocol: required(string(2)),
  error: string(3, explicit),
});
export interface PortStatus extends Infer<typeof PortStatus> {}

export const LoadBalancerIngress = message("LoadBalancerIngress", {
  ip: string(1),
  hostname: string(2),
  ipMode: string(3, explicit),
  ports: list<PortStatus>(4, PortStatus, atomic),
});
export interface LoadBalancerIngress extends Infer<typeof LoadBalancerIngress> {}

export const LoadBalancerStatus = message("LoadBalancerStatus", {
  ingress: list<LoadBalancerIngress>(1, LoadBalancerIngress, atomic),
});
export interface LoadBalancerStatus extends Infer<typeof LoadBalancerStatus> {}

export const ServicePort = message("ServicePort", {
  name: string(1),
  protocol: oneOf(2, ["TCP", "UDP", "SCTP"], defaultsTo("TCP")),
  appProtocol: string(6, explicit),
  port: required(int32(3)),
  targetPort: intOrString(4),
  nodePort: int32(5),
});
export interface ServicePort extends Infer<typeof ServicePort> {}

export const SessionAffinityConfig = message("SessionAffinityConfig", {
  clientIP: one<ClientIPConfig>(1, ClientIPConfig),
});
export interface SessionAffinityConfig extends Infer<typeof SessionAffinityConfig> {}

export const ServiceSpec = message(
  "ServiceSpec",
  {
    ports: list<ServicePort>(
      1,
      ServicePort,
      keyed("port", "protocol"),
      mergeBy("port"),
      doc("The ports of the Service."),
    ),
    selector: map(2, string, atomicObject, doc("Labels of the pods that receive the traffic.")),
    clusterIP: string(3, doc("Its address inside the cluster, usually assigned by the server.")),
    clusterIPs: list(18, string, atomic),
    type: oneOf(
      4,
      ["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"],
      doc("How the Service is reached. Defaults to ClusterIP."),
    ),
    externalIPs: list(5, string, atomic),
    sessionAffinity: oneOf(7, ["ClientIP", "None"]),
    loadBalancerIP: string(8),
    loadBalancerSourceRanges: list(9, string, atomic),
    externalName: string(10),
    externalTrafficPolicy: oneOf(11, ["Cluster", "Local"]),
    healthCheckNodePort: int32(12),
    publishNotReadyAddresses: boolean(13),
    sessionAffinityConfig: one<SessionAffinityConfig>(14, SessionAffinityConfig),
    ipFamilies: list(19, string, atomic),
    ipFamilyPolicy: oneOf(17, ["SingleStack", "PreferDualStack", "RequireDualStack"], explicit),
    allocateLoadBalancerNodePorts: boolean(20, explicit),
    loadBalancerClass: string(21, explicit),
    internalTrafficPolicy: oneOf(22, ["Cluster", "Local"], explicit),
    trafficDistribution: string(23, explicit),
  },
  { doc: "What a Service should be." },
);
export interface ServiceSpec extends Infer<typeof ServiceSpec> {}

export const ServiceStatus = message("ServiceStatus", {
  loadBalancer: one<LoadBalancerStatus>(1, LoadBalancerStatus, always),
  conditions: list<Condition>(2, Condition, keyed("type"), mergeBy("type")),
});
export interface ServiceStatus extends Infer<typeof ServiceStatus> {}

export const Service = kind("Service", "A stable name and address for a changing set of pods.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: given(one<ServiceSpec>(2, ServiceSpec, always, doc("What is wanted."))),
  status: one<ServiceStatus>(3, ServiceStatus, always, doc("What was last seen.")),
});
export interface Service extends Infer<typeof Service> {}

export const ServiceList = listOf<Service>(Service);
export interface ServiceList extends Infer<typeof ServiceList> {}
