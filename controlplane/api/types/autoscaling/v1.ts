import { always, explicit, given, int32, int64, one, packageOf, required, string, time } from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";

const { kind, message } = packageOf("io.k8s.api.autoscaling.v1", "autoscaling", "v1");

export const CrossVersionObjectReference = message(
  "CrossVersionObjectReference",
  { kind: required(string(1)), name: required(string(2)), apiVersion: string(3) },
  { atomic: true },
);
export interface CrossVersionObjectReference extends Infer<typeof CrossVersionObjectReference> {}

export const HorizontalPodAutoscalerSpec = message("HorizontalPodAutoscalerSpec", {
  scaleTargetRef: required(one<CrossVersionObjectReference>(1, CrossVersionObjectReference, always)),
  minReplicas: int32(2, explicit),
  maxReplicas: required(int32(3)),
  targetCPUUtilizationPercentage: int32(4, explicit),
});
export interface HorizontalPodAutoscalerSpec extends Infer<typeof HorizontalPodAutoscalerSpec> {}

export const HorizontalPodAutoscalerStatus = message("HorizontalPodAutoscalerStatus", {
  observedGeneration: int64(1, explicit),
  lastScaleTime: time(2),
  currentReplicas: required(int32(3)),
  desiredReplicas: required(int32(4)),
  currentCPUUtilizationPercentage: int32(5, explicit),
});
export interface HorizontalPodAutoscalerStatus extends Infer<typeof HorizontalPodAutoscalerStatus> {}

export const HorizontalPodAutoscaler = kind(
  "HorizontalPodAutoscaler",
  "Scales a workload to keep the use of CPU near a target (autoscaling/v2 knows other metrics too).",
  {
    metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
    spec: given(one<HorizontalPodAutoscalerSpec>(2, HorizontalPodAutoscalerSpec, always)),
    status: one<HorizontalPodAutoscalerStatus>(3, HorizontalPodAutoscalerStatus, always),
  },
);
export interface HorizontalPodAutoscaler extends Infer<typeof HorizontalPodAutoscaler> {}

export const HorizontalPodAutoscalerList = listOf<HorizontalPodAutoscaler>(HorizontalPodAutoscaler);
export interface HorizontalPodAutoscalerList extends Infer<typeof HorizontalPodAutoscalerList> {}
