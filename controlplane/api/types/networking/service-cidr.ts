import { always, atomic, given, keyed, list, mergeBy, one, packageOf, required, string } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { Condition } from "../meta/condition.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";

const { kind, message } = packageOf("io.k8s.api.networking.v1", "networking.k8s.io", "v1");

export const ParentReference = message("ParentReference", {
  group: string(1),
  resource: required(string(2)),
  namespace: string(3),
  name: required(string(4)),
});
export interface ParentReference extends Infer<typeof ParentReference> {}

export const IPAddressSpec = message("IPAddressSpec", {
  parentRef: required(one<ParentReference>(1, ParentReference)),
});
export interface IPAddressSpec extends Infer<typeof IPAddressSpec> {}

export const IPAddress = kind("IPAddress", "An IP address in use, and the object that uses it.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: required(one<IPAddressSpec>(2, IPAddressSpec, always)),
});
export interface IPAddress extends Infer<typeof IPAddress> {}

export const IPAddressList = listOf<IPAddress>(IPAddress);
export interface IPAddressList extends Infer<typeof IPAddressList> {}

export const ServiceCIDRSpec = message("ServiceCIDRSpec", {
  cidrs: list(1, string, atomic),
});
export interface ServiceCIDRSpec extends Infer<typeof ServiceCIDRSpec> {}

export const ServiceCIDRStatus = message("ServiceCIDRStatus", {
  conditions: list<Condition>(1, Condition, keyed("type"), mergeBy("type")),
});
export interface ServiceCIDRStatus extends Infer<typeof ServiceCIDRStatus> {}

export const ServiceCIDR = kind("ServiceCIDR", "A range from which Services get their cluster IPs.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: given(one<ServiceCIDRSpec>(2, ServiceCIDRSpec, always)),
  status: one<ServiceCIDRStatus>(3, ServiceCIDRStatus, always),
});
export interface ServiceCIDR extends Infer<typeof ServiceCIDR> {}

export const ServiceCIDRList = listOf<ServiceCIDR>(ServiceCIDR);
export interface ServiceCIDRList extends Infer<typeof ServiceCIDRList> {}
