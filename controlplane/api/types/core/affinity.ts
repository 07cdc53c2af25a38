import {
  always,
  atomic,
  explicit,
  int32,
  int64,
  list,
  one,
  oneOf,
  packageOf,
  required,
  string,
  time,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { LabelSelector } from "../meta/selector.ts";
import { NodeSelector, NodeSelectorTerm } from "./selector.ts";

const { message } = packageOf("io.k8s.api.core.v1", "", "v1");

export const PreferredSchedulingTerm = message("PreferredSchedulingTerm", {
  weight: required(int32(1)),
  preference: required(one<NodeSelectorTerm>(2, NodeSelectorTerm, always)),
});
export interface PreferredSchedulingTerm extends Infer<typeof PreferredSchedulingTerm> {}

export const NodeAffinity = message("NodeAffinity", {
  requiredDuringSchedulingIgnoredDuringExecution: one<NodeSelector>(1, NodeSelector),
  preferredDuringSchedulingIgnoredDuringExecution: list<PreferredSchedulingTerm>(2, PreferredSchedulingTerm, atomic),
});
export interface NodeAffinity extends Infer<typeof NodeAffinity> {}

export const PodAffinityTerm = message("PodAffinityTerm", {
  labelSelector: one<LabelSelector>(1, LabelSelector),
  namespaces: list(2, string, atomic),
  topologyKey: required(string(3)),
  namespaceSelector: one<LabelSelector>(4, LabelSelector),
  matchLabelKeys: list(5, string, atomic),
  mismatchLabelKeys: list(6, string, atomic),
});
export interface PodAffinityTerm extends Infer<typeof PodAffinityTerm> {}

export const WeightedPodAffinityTerm = message("WeightedPodAffinityTerm", {
  weight: required(int32(1)),
  podAffinityTerm: required(one<PodAffinityTerm>(2, PodAffinityTerm, always)),
});
export interface WeightedPodAffinityTerm extends Infer<typeof WeightedPodAffinityTerm> {}

export const PodAffinity = message("PodAffinity", {
  requiredDuringSchedulingIgnoredDuringExecution: list<PodAffinityTerm>(1, PodAffinityTerm, atomic),
  preferredDuringSchedulingIgnoredDuringExecution: list<WeightedPodAffinityTerm>(2, WeightedPodAffinityTerm, atomic),
});
export interface PodAffinity extends Infer<typeof PodAffinity> {}

export const PodAntiAffinity = message("PodAntiAffinity", {
  requiredDuringSchedulingIgnoredDuringExecution: list<PodAffinityTerm>(1, PodAffinityTerm, atomic),
  preferredDuringSchedulingIgnoredDuringExecution: list<WeightedPodAffinityTerm>(2, WeightedPodAffinityTerm, atomic),
});
export interface PodAntiAffinity extends Infer<typeof PodAntiAffinity> {}

export const Affinity = message("Affinity", {
  nodeAffinity: one<NodeAffinity>(1, NodeAffinity),
  podAffinity: one<PodAffinity>(2, PodAffinity),
  podAntiAffinity: one<PodAntiAffinity>(3, PodAntiAffinity),
});
export interface Affinity extends Infer<typeof Affinity> {}

export const Taint = message("Taint", {
  key: required(string(1)),
  value: string(2),
  effect: required(oneOf(3, ["NoSchedule", "PreferNoSchedule", "NoExecute"])),
  timeAdded: time(4),
});
export interface Taint extends Infer<typeof Taint> {}

export const Toleration = message("Toleration", {
  key: string(1),
  operator: oneOf(2, ["Exists", "Equal"]),
  value: string(3),
  effect: oneOf(4, ["NoSchedule", "PreferNoSchedule", "NoExecute"]),
  tolerationSeconds: int64(5, explicit),
});
export interface Toleration extends Infer<typeof Toleration> {}

export const TopologySpreadConstraint = message("TopologySpreadConstraint", {
  maxSkew: required(int32(1)),
  topologyKey: required(string(2)),
  whenUnsatisfiable: required(oneOf(3, ["DoNotSchedule", "ScheduleAnyway"])),
  labelSelector: one<LabelSelector>(4, LabelSelector),
  minDomains: int32(5, explicit),
  nodeAffinityPolicy: oneOf(6, ["Honor", "Ignore"], explicit),
  nodeTaintsPolicy: oneOf(7, ["Honor", "Ignore"], explicit),
  matchLabelKeys: list(8, string, atomic),
});
export interface TopologySpreadConstraint extends Infer<typeof TopologySpreadConstraint> {}

export const VolumeNodeAffinity = message("VolumeNodeAffinity", {
  required: one<NodeSelector>(1, NodeSelector),
});
export interface VolumeNodeAffinity extends Infer<typeof VolumeNodeAffinity> {}
