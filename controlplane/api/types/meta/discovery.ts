import { always, atomic, boolean, list, one, packageOf, required, string } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";

const { kind, message } = packageOf("io.k8s.apimachinery.pkg.apis.meta.v1", "", "v1");

export const GroupVersionForDiscovery = message("GroupVersionForDiscovery", {
  groupVersion: required(string(1)),
  version: required(string(2)),
});
export interface GroupVersionForDiscovery extends Infer<typeof GroupVersionForDiscovery> {}

export const ServerAddressByClientCIDR = message("ServerAddressByClientCIDR", {
  clientCIDR: required(string(1)),
  serverAddress: required(string(2)),
});
export interface ServerAddressByClientCIDR extends Infer<typeof ServerAddressByClientCIDR> {}

export const APIGroup = kind("APIGroup", "A group and its versions.", {
  name: required(string(1)),
  versions: required(list<GroupVersionForDiscovery>(2, GroupVersionForDiscovery, atomic)),
  preferredVersion: one<GroupVersionForDiscovery>(3, GroupVersionForDiscovery, always),
  serverAddressByClientCIDRs: list<ServerAddressByClientCIDR>(4, ServerAddressByClientCIDR, atomic),
});
export interface APIGroup extends Infer<typeof APIGroup> {}

export const APIGroupList = kind("APIGroupList", "The groups this server serves.", {
  groups: required(list<APIGroup>(1, APIGroup, atomic)),
});
export interface APIGroupList extends Infer<typeof APIGroupList> {}

export const APIResource = message("APIResource", {
  name: required(string(1)),
  singularName: required(string(6)),
  namespaced: required(boolean(2)),
  group: string(8),
  version: string(9),
  kind: required(string(3)),
  verbs: required(list(4, string)),
  shortNames: list(5, string, atomic),
  categories: list(7, string, atomic),
  storageVersionHash: string(10),
});
export interface APIResource extends Infer<typeof APIResource> {}

export const APIResourceList = kind("APIResourceList", "The resources of one group version.", {
  groupVersion: required(string(1)),
  resources: required(list<APIResource>(2, APIResource, atomic)),
});
export interface APIResourceList extends Infer<typeof APIResourceList> {}

export const APIVersions = kind("APIVersions", "The versions of the core group.", {
  versions: required(list(1, string, atomic)),
  serverAddressByClientCIDRs: required(list<ServerAddressByClientCIDR>(2, ServerAddressByClientCIDR, atomic)),
});
export interface APIVersions extends Infer<typeof APIVersions> {}
