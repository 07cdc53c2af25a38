import {
  always,
  atomic,
  explicit,
  given,
  int32,
  int64,
  intOrString,
  keyed,
  list,
  mergeBy,
  one,
  oneOf,
  packageOf,
  required,
  string,
  time,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { PersistentVolumeClaim } from "../core/persistent-volume-claim.ts";
import { PodTemplateSpec } from "../core/pod-template.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";
import { LabelSelector } from "../meta/selector.ts";

const { kind, message } = packageOf("io.k8s.api.apps.v1", "apps", "v1");

export const RollingUpdateStatefulSetStrategy = message("RollingUpdateStatefulSetStrategy", {
  partition: int32(1, explicit),
  maxUnavailable: intOrString(2),
});
export interface RollingUpdateStatefulSetStrategy extends Infer<typeof RollingUpdateStatefulSetStrategy> {}

export const StatefulSetOrdinals = message("StatefulSetOrdinals", {
  start: int32(1),
});
export interface StatefulSetOrdinals extends Infer<typeof StatefulSetOrdinals> {}

export const StatefulSetPersistentVolumeClaimRetentionPolicy = message(
  "StatefulSetPersistentVolumeClaimRetentionPolicy",
  {
    whenDeleted: string(1),
    whenScaled: string(2),
  },
);
export interface StatefulSetPersistentVolumeClaimRetentionPolicy
  extends Infer<typeof StatefulSetPersistentVolumeClaimRetentionPolicy> {}

export const StatefulSetUpdateStrategy = message("StatefulSetUpdateStrategy", {
  type: oneOf(1, ["OnDelete", "RollingUpdate"]),
  rollingUpdate: one<RollingUpdateStatefulSetStrategy>(2, RollingUpdateStatefulSetStrategy),
});
export interface StatefulSetUpdateStrategy extends Infer<typeof StatefulSetUpdateStrategy> {}

export const StatefulSetSpec = message("StatefulSetSpec", {
  replicas: int32(1, explicit),
  selector: required(one<LabelSelector>(2, LabelSelector)),
  template: required(one<PodTemplateSpec>(3, PodTemplateSpec, always)),
  volumeClaimTemplates: list<PersistentVolumeClaim>(4, PersistentVolumeClaim, atomic),
  serviceName: string(5),
  podManagementPolicy: oneOf(6, ["OrderedReady", "Parallel"]),
  updateStrategy: one<StatefulSetUpdateStrategy>(7, StatefulSetUpdateStrategy, always),
  revisionHistoryLimit: int32(8, explicit),
  minReadySeconds: int32(9),
  persistentVolumeClaimRetentionPolicy: one<StatefulSetPersistentVolumeClaimRetentionPolicy>(
    10,
    StatefulSetPersistentVolumeClaimRetentionPolicy,
  ),
  ordinals: one<StatefulSetOrdinals>(11, StatefulSetOrdinals),
});
export interface StatefulSetSpec extends Infer<typeof StatefulSetSpec> {}

export const StatefulSetCondition = message("StatefulSetCondition", {
  type: required(string(1)),
  status: required(oneOf(2, ["True", "False", "Unknown"])),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
});
export interface StatefulSetCondition extends Infer<typeof StatefulSetCondition> {}

export const StatefulSetStatus = message("StatefulSetStatus", {
  observedGeneration: int64(1),
  replicas: required(int32(2)),
  readyReplicas: int32(3),
  currentReplicas: int32(4),
  updatedReplicas: int32(5),
  currentRevision: string(6),
  updateRevision: string(7),
  collisionCount: int32(9, explicit),
  conditions: list<StatefulSetCondition>(10, StatefulSetCondition, keyed("type"), mergeBy("type")),
  availableReplicas: required(int32(11)),
});
export interface StatefulSetStatus extends Infer<typeof StatefulSetStatus> {}

export const StatefulSet = kind("StatefulSet", "Keeps pods with stable names, ordinals and storage running.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: given(one<StatefulSetSpec>(2, StatefulSetSpec, always)),
  status: one<StatefulSetStatus>(3, StatefulSetStatus, always),
});
export interface StatefulSet extends Infer<typeof StatefulSet> {}

export const StatefulSetList = listOf<StatefulSet>(StatefulSet);
export interface StatefulSetList extends Infer<typeof StatefulSetList> {}
