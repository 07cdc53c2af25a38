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
  mergeBy,
  one,
  packageOf,
  quantity,
  required,
  set,
  string,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";
import { LabelSelector } from "../meta/selector.ts";

const { kind, message } = packageOf("io.k8s.api.storage.v1", "storage.k8s.io", "v1");

export const CSITokenRequest = message(
  "TokenRequest",
  {
    audience: required(string(1)),
    expirationSeconds: int64(2, explicit),
  },
  { doc: "Asks for a token of a service account." },
);
export interface CSITokenRequest extends Infer<typeof CSITokenRequest> {}

export const CSIDriverSpec = message("CSIDriverSpec", {
  attachRequired: boolean(1, explicit),
  podInfoOnMount: boolean(2, explicit),
  volumeLifecycleModes: list(3, string, set),
  storageCapacity: boolean(4, explicit),
  fsGroupPolicy: string(5, explicit),
  tokenRequests: list<CSITokenRequest>(6, CSITokenRequest, atomic),
  requiresRepublish: boolean(7, explicit),
  seLinuxMount: boolean(8, explicit),
  nodeAllocatableUpdatePeriodSeconds: int64(9, explicit),
  serviceAccountTokenInSecrets: boolean(10, explicit),
  preventPodSchedulingIfMissing: boolean(11, explicit),
});
export interface CSIDriverSpec extends Infer<typeof CSIDriverSpec> {}

export const CSIDriver = kind("CSIDriver", "What a CSI driver of the cluster can do.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: required(one<CSIDriverSpec>(2, CSIDriverSpec, always)),
});
export interface CSIDriver extends Infer<typeof CSIDriver> {}

export const CSIDriverList = listOf<CSIDriver>(CSIDriver);
export interface CSIDriverList extends Infer<typeof CSIDriverList> {}

export const VolumeNodeResources = message("VolumeNodeResources", {
  count: int32(1, explicit),
});
export interface VolumeNodeResources extends Infer<typeof VolumeNodeResources> {}

export const CSINodeDriver = message("CSINodeDriver", {
  name: required(string(1)),
  nodeID: required(string(2)),
  topologyKeys: list(3, string, atomic),
  allocatable: one<VolumeNodeResources>(4, VolumeNodeResources),
});
export interface CSINodeDriver extends Infer<typeof CSINodeDriver> {}

export const CSINodeSpec = message("CSINodeSpec", {
  drivers: required(list<CSINodeDriver>(1, CSINodeDriver, keyed("name"), mergeBy("name"))),
});
export interface CSINodeSpec extends Infer<typeof CSINodeSpec> {}

export const CSINode = kind("CSINode", "The CSI drivers installed on a node.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: required(one<CSINodeSpec>(2, CSINodeSpec, always)),
});
export interface CSINode extends Infer<typeof CSINode> {}

export const CSINodeList = listOf<CSINode>(CSINode);
export interface CSINodeList extends Infer<typeof CSINodeList> {}

export const CSIStorageCapacity = kind(
  "CSIStorageCapacity",
  "How much storage of a class is left in a topology segment.",
  {
    metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
    nodeTopology: one<LabelSelector>(2, LabelSelector),
    storageClassName: required(string(3)),
    capacity: quantity(4),
    maximumVolumeSize: quantity(5),
  },
);
export interface CSIStorageCapacity extends Infer<typeof CSIStorageCapacity> {}

export const CSIStorageCapacityList = listOf<CSIStorageCapacity>(CSIStorageCapacity);
export interface CSIStorageCapacityList extends Infer<typeof CSIStorageCapacityList> {}
