import {
  always,
  doc,
  explicit,
  given,
  int32,
  int64,
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

export const ReplicaSetSpec = message(
  "ReplicaSetSpec",
  {
    replicas: int32(1, explicit, doc("How many pods are wanted. Defaults to 1.")),
    minReadySeconds: int32(4),
    selector: required(one<LabelSelector>(2, LabelSelector)),
    template: one<PodTemplateSpec>(3, PodTemplateSpec, always),
  },
  { doc: "What a ReplicaSet should be." },
);
export interface ReplicaSetSpec extends Infer<typeof ReplicaSetSpec> {}

export const ReplicaSetCondition = message("ReplicaSetCondition", {
  type: required(string(1)),
  status: required(oneOf(2, ["True", "False", "Unknown"])),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
});
export interface ReplicaSetCondition extends Infer<typeof ReplicaSetCondition> {}

export const ReplicaSetStatus = message("ReplicaSetStatus", {
  replicas: required(int32(1)),
  fullyLabeledReplicas: int32(2),
  readyReplicas: int32(4),
  availableReplicas: int32(5),
  terminatingReplicas: int32(7, explicit),
  observedGeneration: int64(3),
  conditions: list<ReplicaSetCondition>(6, ReplicaSetCondition, keyed("type"), mergeBy("type")),
});
export interface ReplicaSetStatus extends Infer<typeof ReplicaSetStatus> {}

export const ReplicaSet = kind("ReplicaSet", "Keeps a given number of identical pods running.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: given(one<ReplicaSetSpec>(2, ReplicaSetSpec, always, doc("What is wanted."))),
  status: one<ReplicaSetStatus>(3, ReplicaSetStatus, always, doc("What was last seen.")),
});
export interface ReplicaSet extends Infer<typeof ReplicaSet> {}

export const ReplicaSetList = listOf<ReplicaSet>(ReplicaSet);
export interface ReplicaSetList extends Infer<typeof ReplicaSetList> {}
