import {
  always,
  atomic,
  explicit,
  given,
  int32,
  intOrString,
  list,
  one,
  packageOf,
  required,
  string,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";
import { LabelSelector } from "../meta/selector.ts";

const { kind, message } = packageOf("io.k8s.api.networking.v1", "networking.k8s.io", "v1");

export const IPBlock = message("IPBlock", {
  cidr: required(string(1)),
  except: list(2, string, atomic),
});
export interface IPBlock extends Infer<typeof IPBlock> {}

export const NetworkPolicyPeer = message("NetworkPolicyPeer", {
  podSelector: one<LabelSelector>(1, LabelSelector),
  namespaceSelector: one<LabelSelector>(2, LabelSelector),
  ipBlock: one<IPBlock>(3, IPBlock),
});
export interface NetworkPolicyPeer extends Infer<typeof NetworkPolicyPeer> {}

export const NetworkPolicyPort = message("NetworkPolicyPort", {
  protocol: string(1, explicit),
  port: intOrString(2),
  endPort: int32(3, explicit),
});
export interface NetworkPolicyPort extends Infer<typeof NetworkPolicyPort> {}

export const NetworkPolicyEgressRule = message("NetworkPolicyEgressRule", {
  ports: list<NetworkPolicyPort>(1, NetworkPolicyPort, atomic),
  to: list<NetworkPolicyPeer>(2, NetworkPolicyPeer, atomic),
});
export interface NetworkPolicyEgressRule extends Infer<typeof NetworkPolicyEgressRule> {}

export const NetworkPolicyIngressRule = message("NetworkPolicyIngressRule", {
  ports: list<NetworkPolicyPort>(1, NetworkPolicyPort, atomic),
  from: list<NetworkPolicyPeer>(2, NetworkPolicyPeer, atomic),
});
export interface NetworkPolicyIngressRule extends Infer<typeof NetworkPolicyIngressRule> {}

export const NetworkPolicySpec = message("NetworkPolicySpec", {
  podSelector: one<LabelSelector>(1, LabelSelector, always),
  ingress: list<NetworkPolicyIngressRule>(2, NetworkPolicyIngressRule, atomic),
  egress: list<NetworkPolicyEgressRule>(3, NetworkPolicyEgressRule, atomic),
  policyTypes: list(4, string, atomic),
});
export interface NetworkPolicySpec extends Infer<typeof NetworkPolicySpec> {}

export const NetworkPolicy = kind("NetworkPolicy", "Says which traffic pods may send and receive.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: given(one<NetworkPolicySpec>(2, NetworkPolicySpec, always)),
});
export interface NetworkPolicy extends Infer<typeof NetworkPolicy> {}

export const NetworkPolicyList = listOf<NetworkPolicy>(NetworkPolicy);
export interface NetworkPolicyList extends Infer<typeof NetworkPolicyList> {}
