import {
  always,
  atomic,
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
  quantity,
  required,
  string,
  time,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";
import { LabelSelector } from "../meta/selector.ts";

const { kind, message } = packageOf("io.k8s.api.autoscaling.v2", "autoscaling", "v2");

export const MetricTarget = message("MetricTarget", {
  type: required(string(1)),
  value: quantity(2),
  averageValue: quantity(3),
  averageUtilization: int32(4, explicit),
});
export interface MetricTarget extends Infer<typeof MetricTarget> {}

export const ContainerResourceMetricSource = message("ContainerResourceMetricSource", {
  name: required(string(1)),
  target: required(one<MetricTarget>(2, MetricTarget, always)),
  container: required(string(3)),
});
export interface ContainerResourceMetricSource extends Infer<typeof ContainerResourceMetricSource> {}

export const MetricValueStatus = message("MetricValueStatus", {
  value: quantity(1),
  averageValue: quantity(2),
  averageUtilization: int32(3, explicit),
});
export interface MetricValueStatus extends Infer<typeof MetricValueStatus> {}

export const ContainerResourceMetricStatus = message("ContainerResourceMetricStatus", {
  name: required(string(1)),
  current: required(one<MetricValueStatus>(2, MetricValueStatus, always)),
  container: required(string(3)),
});
export interface ContainerResourceMetricStatus extends Infer<typeof ContainerResourceMetricStatus> {}

export const CrossVersionObjectReference = message("CrossVersionObjectReference", {
  kind: required(string(1)),
  name: required(string(2)),
  apiVersion: string(3),
});
export interface CrossVersionObjectReference extends Infer<typeof CrossVersionObjectReference> {}

export const MetricIdentifier = message("MetricIdentifier", {
  name: required(string(1)),
  selector: one<LabelSelector>(2, LabelSelector),
});
export interface MetricIdentifier extends Infer<typeof MetricIdentifier> {}

export const ExternalMetricSource = message("ExternalMetricSource", {
  metric: required(one<MetricIdentifier>(1, MetricIdentifier, always)),
  target: required(one<MetricTarget>(2, MetricTarget, always)),
});
export interface ExternalMetricSource extends Infer<typeof ExternalMetricSource> {}

export const ExternalMetricStatus = message("ExternalMetricStatus", {
  metric: required(one<MetricIdentifier>(1, MetricIdentifier, always)),
  current: required(one<MetricValueStatus>(2, MetricValueStatus, always)),
});
export interface ExternalMetricStatus extends Infer<typeof ExternalMetricStatus> {}

export const HPAScalingPolicy = message("HPAScalingPolicy", {
  type: required(string(1)),
  value: required(int32(2)),
  periodSeconds: required(int32(3)),
});
export interface HPAScalingPolicy extends Infer<typeof HPAScalingPolicy> {}

export const HPAScalingRules = message("HPAScalingRules", {
  stabilizationWindowSeconds: int32(3, explicit),
  selectPolicy: string(1, explicit),
  policies: list<HPAScalingPolicy>(2, HPAScalingPolicy, atomic),
  tolerance: quantity(4),
});
export interface HPAScalingRules extends Infer<typeof HPAScalingRules> {}

export const HorizontalPodAutoscalerBehavior = message("HorizontalPodAutoscalerBehavior", {
  scaleUp: one<HPAScalingRules>(1, HPAScalingRules),
  scaleDown: one<HPAScalingRules>(2, HPAScalingRules),
});
export interface HorizontalPodAutoscalerBehavior extends Infer<typeof HorizontalPodAutoscalerBehavior> {}

export const ObjectMetricSource = message("ObjectMetricSource", {
  describedObject: required(one<CrossVersionObjectReference>(1, CrossVersionObjectReference, always)),
  target: required(one<MetricTarget>(2, MetricTarget, always)),
  metric: required(one<MetricIdentifier>(3, MetricIdentifier, always)),
});
export interface ObjectMetricSource extends Infer<typeof ObjectMetricSource> {}

export const PodsMetricSource = message("PodsMetricSource", {
  metric: required(one<MetricIdentifier>(1, MetricIdentifier, always)),
  target: required(one<MetricTarget>(2, MetricTarget, always)),
});
export interface PodsMetricSource extends Infer<typeof PodsMetricSource> {}

export const ResourceMetricSource = message("ResourceMetricSource", {
  name: required(string(1)),
  target: required(one<MetricTarget>(2, MetricTarget, always)),
});
export interface ResourceMetricSource extends Infer<typeof ResourceMetricSource> {}

export const MetricSpec = message("MetricSpec", {
  type: required(string(1)),
  object: one<ObjectMetricSource>(2, ObjectMetricSource),
  pods: one<PodsMetricSource>(3, PodsMetricSource),
  resource: one<ResourceMetricSource>(4, ResourceMetricSource),
  containerResource: one<ContainerResourceMetricSource>(7, ContainerResourceMetricSource),
  external: one<ExternalMetricSource>(5, ExternalMetricSource),
});
export interface MetricSpec extends Infer<typeof MetricSpec> {}

export const HorizontalPodAutoscalerSpec = message("HorizontalPodAutoscalerSpec", {
  scaleTargetRef: required(one<CrossVersionObjectReference>(1, CrossVersionObjectReference, always)),
  minReplicas: int32(2, explicit),
  maxReplicas: required(int32(3)),
  metrics: list<MetricSpec>(4, MetricSpec, atomic),
  behavior: one<HorizontalPodAutoscalerBehavior>(5, HorizontalPodAutoscalerBehavior),
});
export interface HorizontalPodAutoscalerSpec extends Infer<typeof HorizontalPodAutoscalerSpec> {}

export const HorizontalPodAutoscalerCondition = message("HorizontalPodAutoscalerCondition", {
  type: required(string(1)),
  status: required(oneOf(2, ["True", "False", "Unknown"])),
  lastTransitionTime: time(3),
  reason: string(4),
  message: string(5),
});
export interface HorizontalPodAutoscalerCondition extends Infer<typeof HorizontalPodAutoscalerCondition> {}

export const ObjectMetricStatus = message("ObjectMetricStatus", {
  metric: required(one<MetricIdentifier>(1, MetricIdentifier, always)),
  current: required(one<MetricValueStatus>(2, MetricValueStatus, always)),
  describedObject: required(one<CrossVersionObjectReference>(3, CrossVersionObjectReference, always)),
});
export interface ObjectMetricStatus extends Infer<typeof ObjectMetricStatus> {}

export const PodsMetricStatus = message("PodsMetricStatus", {
  metric: required(one<MetricIdentifier>(1, MetricIdentifier, always)),
  current: required(one<MetricValueStatus>(2, MetricValueStatus, always)),
});
export interface PodsMetricStatus extends Infer<typeof PodsMetricStatus> {}

export const ResourceMetricStatus = message("ResourceMetricStatus", {
  name: required(string(1)),
  current: required(one<MetricValueStatus>(2, MetricValueStatus, always)),
});
export interface ResourceMetricStatus extends Infer<typeof ResourceMetricStatus> {}

export const MetricStatus = message("MetricStatus", {
  type: required(string(1)),
  object: one<ObjectMetricStatus>(2, ObjectMetricStatus),
  pods: one<PodsMetricStatus>(3, PodsMetricStatus),
  resource: one<ResourceMetricStatus>(4, ResourceMetricStatus),
  containerResource: one<ContainerResourceMetricStatus>(7, ContainerResourceMetricStatus),
  external: one<ExternalMetricStatus>(5, ExternalMetricStatus),
});
export interface MetricStatus extends Infer<typeof MetricStatus> {}

export const HorizontalPodAutoscalerStatus = message("HorizontalPodAutoscalerStatus", {
  observedGeneration: int64(1, explicit),
  lastScaleTime: time(2),
  currentReplicas: int32(3),
  desiredReplicas: required(int32(4)),
  currentMetrics: list<MetricStatus>(5, MetricStatus, atomic),
  conditions: list<HorizontalPodAutoscalerCondition>(
    6,
    HorizontalPodAutoscalerCondition,
    keyed("type"),
    mergeBy("type"),
  ),
});
export interface HorizontalPodAutoscalerStatus extends Infer<typeof HorizontalPodAutoscalerStatus> {}

export const HorizontalPodAutoscaler = kind(
  "HorizontalPodAutoscaler",
  "Scales a workload to keep its metrics near a target.",
  {
    metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
    spec: required(one<HorizontalPodAutoscalerSpec>(2, HorizontalPodAutoscalerSpec, always)),
    status: one<HorizontalPodAutoscalerStatus>(3, HorizontalPodAutoscalerStatus, always),
  },
);
export interface HorizontalPodAutoscaler extends Infer<typeof HorizontalPodAutoscaler> {}

export const HorizontalPodAutoscalerList = listOf<HorizontalPodAutoscaler>(HorizontalPodAutoscaler);
export interface HorizontalPodAutoscalerList extends Infer<typeof HorizontalPodAutoscalerList> {}
