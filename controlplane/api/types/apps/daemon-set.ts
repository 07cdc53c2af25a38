import {
  always,
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
import { PodTemplateSpec } from "../core/pod-template.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";
import { LabelSelector } from "../meta/selector.ts";

const { kind, message } = packageOf("io.k8s.api.apps.v1", "apps", "v1");

export const RollingUpdateDaemonSet = message("RollingUpdateDaemonSet", {
  maxUnavailable: intOrString(1),
  maxSurge: intOrString(2),
});
export interface RollingUpdateDaemonSet extends Infer<typeof RollingUpdateDaemonSet> {}

export const DaemonSetUpdateStrategy = message("DaemonSetUpdateStrategy", {
  type: oneOf(1, ["OnDelete", "RollingUpdate"]),
  rollingUpdate: one<RollingUpdateDaemonSet>(2, RollingUpdateDaemonSet),
});
export interface DaemonSetUpdateStrategy extends Infer<typeof DaemonSetUpdateStrategy> {}

export const DaemonSetSpec = message("DaemonSetSpec", {
  selector: required(one<LabelSelector>(1, LabelSelector)),
  template: required(one<PodTemplateSpec>(2, PodTemplateSpec, always)),
  updateStrategy: one<DaemonSetUpdateStrategy>(3, DaemonSetUpdateStrategy, always),
  minReadySeconds: int32(4),
  revisionHistoryLimit: int32(6, explicit),
});
export interface DaemonSetSpec extends Infer<typeof DaemonSetSpec> {}

export const DaemonSetCondition = message("DaemonSetCondition", {
  type: required(string(1)),
  status: required(oneOf(2, ["True", "False", "Unknown"])),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
});
export interface DaemonSetCondition extends Infer<typeof DaemonSetCondition> {}

export const DaemonSetStatus = message("DaemonSetStatus", {
  currentNumberScheduled: required(int32(1)),
  numberMisscheduled: required(int32(2)),
  desiredNumberScheduled: required(int32(3)),
  numberReady: required(int32(4)),
  observedGeneration: int64(5),
  updatedNumberScheduled: int32(6),
  numberAvailable: int32(7),
  numberUnavailable: int32(8),
  collisionCount: int32(9, explicit),
  conditions: list<DaemonSetCondition>(10, DaemonSetCondition, keyed("type"), mergeBy("type")),
});
export interface DaemonSetStatus extends Infer<typeof DaemonSetStatus> {}

export const DaemonSet = kind("DaemonSet", "Keeps one copy of a pod on every node that matches.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: given(one<DaemonSetSpec>(2, DaemonSetSpec, always)),
  status: one<DaemonSetStatus>(3, DaemonSetStatus, always),
});
export interface DaemonSet extends Infer<typeof DaemonSet> {}

export const DaemonSetList = listOf<DaemonSet>(DaemonSet);
export interface DaemonSetList extends Infer<typeof DaemonSetList> {}
