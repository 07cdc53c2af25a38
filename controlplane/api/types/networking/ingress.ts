import {
  always,
  atomic,
  explicit,
  given,
  inside,
  int32,
  list,
  one,
  oneOf,
  packageOf,
  required,
  string,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { TypedLocalObjectReference } from "../core/reference.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";

const { kind, message } = packageOf("io.k8s.api.networking.v1", "networking.k8s.io", "v1");

export const ServiceBackendPort = message(
  "ServiceBackendPort",
  {
    name: string(1),
    number: int32(2),
  },
  { atomic: true },
);
export interface ServiceBackendPort extends Infer<typeof ServiceBackendPort> {}

export const IngressServiceBackend = message("IngressServiceBackend", {
  name: required(string(1)),
  port: one<ServiceBackendPort>(2, ServiceBackendPort, always),
});
export interface IngressServiceBackend extends Infer<typeof IngressServiceBackend> {}

export const IngressBackend = message("IngressBackend", {
  service: one<IngressServiceBackend>(4, IngressServiceBackend),
  resource: one<TypedLocalObjectReference>(3, TypedLocalObjectReference),
});
export interface IngressBackend extends Infer<typeof IngressBackend> {}

export const HTTPIngressPath = message("HTTPIngressPath", {
  path: string(1),
  pathType: required(oneOf(3, ["Exact", "Prefix", "ImplementationSpecific"], explicit)),
  backend: required(one<IngressBackend>(2, IngressBackend, always)),
});
export interface HTTPIngressPath extends Infer<typeof HTTPIngressPath> {}

export const HTTPIngressRuleValue = message("HTTPIngressRuleValue", {
  paths: required(list<HTTPIngressPath>(1, HTTPIngressPath, atomic)),
});
export interface HTTPIngressRuleValue extends Infer<typeof HTTPIngressRuleValue> {}

export const IngressRule = message("IngressRule", {
  host: string(1),
  http: one<HTTPIngressRuleValue>(1, HTTPIngressRuleValue, inside(2)),
});
export interface IngressRule extends Infer<typeof IngressRule> {}

export const IngressTLS = message("IngressTLS", {
  hosts: list(1, string, atomic),
  secretName: string(2),
});
export interface IngressTLS extends Infer<typeof IngressTLS> {}

export const IngressSpec = message("IngressSpec", {
  ingressClassName: string(4, explicit),
  defaultBackend: one<IngressBackend>(1, IngressBackend),
  tls: list<IngressTLS>(2, IngressTLS, atomic),
  rules: list<IngressRule>(3, IngressRule, atomic),
});
export interface IngressSpec extends Infer<typeof IngressSpec> {}

export const IngressPortStatus = message("IngressPortStatus", {
  port: required(int32(1)),
  protocol: required(string(2)),
  error: string(3, explicit),
});
export interface IngressPortStatus extends Infer<typeof IngressPortStatus> {}

export const IngressLoadBalancerIngress = message("IngressLoadBalancerIngress", {
  ip: string(1),
  hostname: string(2),
  ports: list<IngressPortStatus>(4, IngressPortStatus, atomic),
});
export interface IngressLoadBalancerIngress extends Infer<typeof IngressLoadBalancerIngress> {}

export const IngressLoadBalancerStatus = message("IngressLoadBalancerStatus", {
  ingress: list<IngressLoadBalancerIngress>(1, IngressLoadBalancerIngress, atomic),
});
export interface IngressLoadBalancerStatus extends Infer<typeof IngressLoadBalancerStatus> {}

export const IngressStatus = message("IngressStatus", {
  loadBalancer: one<IngressLoadBalancerStatus>(1, IngressLoadBalancerStatus, always),
});
export interface IngressStatus extends Infer<typeof IngressStatus> {}

export const Ingress = kind("Ingress", "Rules that lead HTTP requests from outside to Services.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: given(one<IngressSpec>(2, IngressSpec, always)),
  status: one<IngressStatus>(3, IngressStatus, always),
});
export interface Ingress extends Infer<typeof Ingress> {}

export const IngressList = listOf<Ingress>(Ingress);
export interface IngressList extends Infer<typeof IngressList> {}
