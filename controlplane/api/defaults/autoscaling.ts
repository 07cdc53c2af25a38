import { carriesMetrics } from "../autoscaling/versions.ts";
import type { HorizontalPodAutoscaler as HorizontalPodAutoscalerV1 } from "../types/autoscaling/v1.ts";
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerBehavior,
  HPAScalingPolicy,
  HPAScalingRules,
} from "../types/autoscaling/v2.ts";

const defaultUtilization = 80;

/** The older version says the same in its own words. */
export function defaultHorizontalPodAutoscalerV1(autoscaler: HorizontalPodAutoscalerV1): void {
  const { spec } = autoscaler;
  spec.minReplicas ??= 1;
  if (!carriesMetrics(autoscaler)) spec.targetCPUUtilizationPercentage ??= defaultUtilization;
}

export function defaultHorizontalPodAutoscaler({ spec }: HorizontalPodAutoscaler): void {
  spec.minReplicas ??= 1;
  if ((spec.metrics ?? []).length === 0) {
    const target = { type: "Utilization", averageUtilization: defaultUtilization };
    spec.metrics = [{ type: "Resource", resource: { name: "cpu", target } }];
  }
  if (spec.behavior !== undefined) defaultBehavior(spec.behavior);
}

/** Who shapes one direction gets the usual rules spelt out for both; without any, the controller has them built in. */
function defaultBehavior(behavior: HorizontalPodAutoscalerBehavior): void {
  const doubling: HPAScalingPolicy = { type: "Percent", value: 100, periodSeconds: 15 };
  behavior.scaleUp = rules(behavior.scaleUp, [{ type: "Pods", value: 4, periodSeconds: 15 }, doubling]);
  behavior.scaleUp.stabilizationWindowSeconds ??= 0;
  behavior.scaleDown = rules(behavior.scaleDown, [doubling]);
}

function rules(given: HPAScalingRules | undefined, policies: HPAScalingPolicy[]): HPAScalingRules {
  const { selectPolicy = "Max", policies: own, ...rest } = given ?? {};
  return { ...rest, selectPolicy, policies: own ?? policies };
}
