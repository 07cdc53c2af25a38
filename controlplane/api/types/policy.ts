import {
  always,
  explicit,
  given,
  int32,
  int64,
  intOrString,
  keyed,
  list,
  map,
  mergeBy,
  one,
  packageOf,
  required,
  string,
  time,
} from "../schema/dsl.ts";
import type { Infer } from "../schema/field.ts";
import { Condition } from "./meta/condition.ts";
import { listOf } from "./meta/list.ts";
import { ObjectMeta } from "./meta/object-meta.ts";
import { DeleteOptions } from "./meta/options.ts";
import { LabelSelector } from "./meta/selector.ts";

const { kind, message } = packageOf("io.k8s.api.policy.v1", "policy", "v1");

export const Eviction = kind("Eviction", "Asks for the deletion of a pod, subject to disruption budgets.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  deleteOptions: one<DeleteOptions>(2, DeleteOptions),
});
export interface Eviction extends Infer<typeof Eviction> {}

export const PodDisruptionBudgetSpec = message("PodDisruptionBudgetSpec", {
  minAvailable: intOrString(1),
  selector: one<LabelSelector>(2, LabelSelector),
  maxUnavailable: intOrString(3),
  unhealthyPodEvictionPolicy: string(4, explicit),
});
export interface PodDisruptionBudgetSpec extends Infer<typeof PodDisruptionBudgetSpec> {}

export const PodDisruptionBudgetStatus = message("PodDisruptionBudgetStatus", {
  observedGeneration: int64(1),
  disruptedPods: map(2, time),
  disruptionsAllowed: required(int32(3)),
  currentHealthy: required(int32(4)),
  desiredHealthy: required(int32(5)),
  expectedPods: required(int32(6)),
  conditions: list<Condition>(7, Condition, keyed("type"), mergeBy("type")),
});
export interface PodDisruptionBudgetStatus extends Infer<typeof PodDisruptionBudgetStatus> {}

export const PodDisruptionBudget = kind(
  "PodDisruptionBudget",
  "Bounds how many pods of a set may be down at once by choice.",
  {
    metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
    spec: given(one<PodDisruptionBudgetSpec>(2, PodDisruptionBudgetSpec, always)),
    status: one<PodDisruptionBudgetStatus>(3, PodDisruptionBudgetStatus, always),
  },
);
export interface PodDisruptionBudget extends Infer<typeof PodDisruptionBudget> {}

export const PodDisruptionBudgetList = listOf<PodDisruptionBudget>(PodDisruptionBudget);
export interface PodDisruptionBudgetList extends Infer<typeof PodDisruptionBudgetList> {}
