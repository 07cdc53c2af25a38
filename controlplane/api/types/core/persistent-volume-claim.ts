import {
  always,
  atomic,
  explicit,
  given,
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
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";
import { LabelSelector } from "../meta/selector.ts";
import { TypedLocalObjectReference, TypedObjectReference, VolumeResourceRequirements } from "./reference.ts";

const { kind, message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const ModifyVolumeStatus = message("ModifyVolumeStatus", {
  targetVolumeAttributesClassName: string(1),
  status: required(string(2)),
});
export interface ModifyVolumeStatus extends Infer<typeof ModifyVolumeStatus> {}

export const PersistentVolumeClaimSpec = message("PersistentVolumeClaimSpec", {
  accessModes: list(1, string, atomic),
  selector: one<LabelSelector>(4, LabelSelector),
  resources: one<VolumeResourceRequirements>(2, VolumeResourceRequirements, always),
  volumeName: string(3),
  storageClassName: string(5, explicit),
  volumeMode: string(6, explicit),
  dataSource: one<TypedLocalObjectReference>(7, TypedLocalObjectReference),
  dataSourceRef: one<TypedObjectReference>(8, TypedObjectReference),
  volumeAttributesClassName: string(9, explicit),
});
export interface PersistentVolumeClaimSpec extends Infer<typeof PersistentVolumeClaimSpec> {}

export const PersistentVolumeClaimCondition = message("PersistentVolumeClaimCondition", {
  type: required(string(1)),
  status: required(oneOf(2, ["True", "False", "Unknown"])),
  lastProbeTime: time(3),
  lastTransitionTime: time(4),
  reason: string(5),
  message: string(6),
});
export interface PersistentVolumeClaimCondition extends Infer<typeof PersistentVolumeClaimCondition> {}

export const PersistentVolumeClaimStatus = message("PersistentVolumeClaimStatus", {
  phase: oneOf(1, ["Pending", "Bound", "Lost"]),
  accessModes: list(2, string, atomic),
  capacity: map(3, quantity),
  conditions: list<PersistentVolumeClaimCondition>(4, PersistentVolumeClaimCondition, keyed("type"), mergeBy("type")),
  allocatedResources: map(5, quantity),
  allocatedResourceStatuses: map(7, string),
  currentVolumeAttributesClassName: string(8, explicit),
  modifyVolumeStatus: one<ModifyVolumeStatus>(9, ModifyVolumeStatus),
});
export interface PersistentVolumeClaimStatus extends Infer<typeof PersistentVolumeClaimStatus> {}

export const PersistentVolumeClaim = kind(
  "PersistentVolumeClaim",
  "A request for storage, bound to a PersistentVolume.",
  {
    metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
    spec: given(one<PersistentVolumeClaimSpec>(2, PersistentVolumeClaimSpec, always)),
    status: one<PersistentVolumeClaimStatus>(3, PersistentVolumeClaimStatus, always),
  },
);
export interface PersistentVolumeClaim extends Infer<typeof PersistentVolumeClaim> {}

export const PersistentVolumeClaimList = listOf<PersistentVolumeClaim>(PersistentVolumeClaim);
export interface PersistentVolumeClaimList extends Infer<typeof PersistentVolumeClaimList> {}
