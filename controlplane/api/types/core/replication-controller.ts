import {
  always,
  atomicObject,
  defaultsTo,
  explicit,
  given,
  int32,
  int64,
  keyed,
  list,
  map,
  mergeBy,
  one,
  oneOf,
  packageOf,
  required,
  string,
  time,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";
import { PodTemplateSpec } from "./pod-template.ts";

const { kind, message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const ReplicationControllerSpec = message("ReplicationControllerSpec", {
  replicas: int32(1, explicit, defaultsTo(1)),
  minReadySeconds: int32(4),
  selector: map(2, string, atomicObject),
  template: one<PodTemplateSpec>(3, PodTemplateSpec),
});
export interface ReplicationControllerSpec extends Infer<typeof ReplicationControllerSpec> {}

export const ReplicationControllerCondition = message("ReplicationControllerCondition", {
  type: required(string(1)),
  status: required(oneOf(2, ["True", "False", "Unknown"])),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
});
export interface ReplicationControllerCondition extends Infer<typeof ReplicationControllerCondition> {}

export const ReplicationControllerStatus = message("ReplicationControllerStatus", {
  replicas: required(int32(1)),
  fullyLabeledReplicas: int32(2),
  readyReplicas: int32(4),
  availableReplicas: int32(5),
  observedGeneration: int64(3),
  conditions: list<ReplicationControllerCondition>(6, ReplicationControllerCondition, keyed("type"), mergeBy("type")),
});
export interface ReplicationControllerStatus extends Infer<typeof ReplicationControllerStatus> {}

export const ReplicationController = kind(
  "ReplicationController",
  "Keeps a given number of identical pods running (ReplicaSet is its successor).",
  {
    metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
    spec: given(one<ReplicationControllerSpec>(2, ReplicationControllerSpec, always)),
    status: one<ReplicationControllerStatus>(3, ReplicationControllerStatus, always),
  },
);
export interface ReplicationController extends Infer<typeof ReplicationController> {}

export const ReplicationControllerList = listOf<ReplicationController>(ReplicationController);
export interface ReplicationControllerList extends Infer<typeof ReplicationControllerList> {}
