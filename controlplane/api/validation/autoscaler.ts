import { Quantity } from "../quantity/quantity.ts";
import type {
  CrossVersionObjectReference,
  HorizontalPodAutoscaler,
  HPAScalingPolicy,
  HPAScalingRules,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
} from "../types/autoscaling/v2.ts";
import { validateLabelSelector, validateOptionalOneOf, validateQuantityNotNegative } from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isPathSegment } from "./formats.ts";

const maxStabilizationSeconds = 3600;
const maxPeriodSeconds = 1800;

export function validateHorizontalPodAutoscaler({ spec }: HorizontalPodAutoscaler, errors: FieldErrors): void {
  const { minReplicas, maxReplicas, metrics = [], behavior } = spec;
  if (minReplicas !== undefined && minReplicas < 1) {
    errors.invalid("spec.minReplicas", minReplicas, "must be greater than or equal to 1");
  }
  if (maxReplicas < 1) errors.invalid("spec.maxReplicas", maxReplicas, "must be greater than 0");
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    errors.invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`");
  }
  validateReference(spec.scaleTargetRef, "spec.scaleTargetRef", errors);
  for (const [index, metric] of metrics.entries()) validateMetric(metric, `spec.metrics[${index}]`, errors);
  validateRules(behavior?.scaleUp, "spec.behavior.scaleUp", errors);
  validateRules(behavior?.scaleDown, "spec.behavior.scaleDown", errors);
}

function validateReference({ kind, name }: CrossVersionObjectReference, field: string, errors: FieldErrors): void {
  for (const [key, value] of [
    ["kind", kind],
    ["name", name],
  ] as const) {
    if (value === "") errors.required(`${field}.${key}`);
    else errors.invalidEach(`${field}.${key}`, value, isPathSegment(value));
  }
}

/** Where each type of metric says what it is about. */
const sources = {
  ContainerResource: "containerResource",
  External: "external",
  Object: "object",
  Pods: "pods",
  Resource: "resource",
} as const;

function validateMetric(metric: MetricSpec, field: string, errors: FieldErrors): void {
  const { type } = metric;
  if (type === "") errors.required(`${field}.type`, "must specify a metric source type");
  else if (!Object.hasOwn(sources, type)) errors.notSupported(`${field}.type`, type, Object.keys(sources));
  const expected = sources[type as keyof typeof sources] as string | undefined;
  const present = Object.values(sources).filter((source) => metric[source] !== undefined);
  if (expected !== undefined && !present.includes(expected as (typeof present)[number])) {
    errors.required(`${field}.${expected}`, "must populate information for the given metric source");
  }
  for (const other of present) {
    if (other !== expected) errors.forbidden(`${field}.${other}`, "must populate the given metric source only");
  }
  if (present.length === 1) validateSource(metric, field, errors);
}

function validateSource(metric: MetricSpec, field: string, errors: FieldErrors): void {
  const { object, pods, resource, containerResource, external } = metric;
  if (object) {
    const at = `${field}.object`;
    validateReference(object.describedObject, `${at}.describedObject`, errors);
    validateIdentifier(object.metric, `${at}.metric`, errors);
    validateTarget(object.target, `${at}.target`, errors);
    const { value, averageValue } = object.target;
    if (value === undefined && averageValue === undefined) {
      errors.required(`${at}.target.averageValue`, "must set either a target value or averageValue");
    }
  }
  if (external) {
    const at = `${field}.external`;
    validateIdentifier(external.metric, `${at}.metric`, errors);
    validateTarget(external.target, `${at}.target`, errors);
    const { value, averageValue } = external.target;
    if (value === undefined && averageValue === undefined) {
      errors.required(`${at}.target.averageValue`, "must set either a target value for metric or a per-pod target");
    } else if (value !== undefined && averageValue !== undefined) {
      errors.forbidden(`${at}.target.value`, "may not set both a target value for metric and a per-pod target");
    }
  }
  if (pods) {
    const at = `${field}.pods`;
    validateIdentifier(pods.metric, `${at}.metric`, errors);
    validateTarget(pods.target, `${at}.target`, errors);
    if (!isPositive(pods.target.averageValue)) {
      errors.required(`${at}.target.averageValue`, "must specify a positive target averageValue");
    }
  }
  if (resource) validateResource(resource, `${field}.resource`, errors);
  if (containerResource) {
    if (containerResource.container === "") {
      errors.required(`${field}.containerResource.container`, "must specify a container");
    }
    validateResource(containerResource, `${field}.containerResource`, errors);
  }
}

function validateResource(
  { name, target }: { readonly name: string; readonly target: MetricTarget },
  field: string,
  errors: FieldErrors,
): void {
  if (name === "") errors.required(`${field}.name`, "must specify a resource name");
  validateTarget(target, `${field}.target`, errors);
  const { averageUtilization, averageValue } = target;
  if (averageUtilization === undefined && averageValue === undefined) {
    const rule = "must set either a target raw value or a target utilization";
    errors.required(`${field}.target.averageUtilization`, rule);
  } else if (averageUtilization !== undefined && averageValue !== undefined) {
    errors.forbidden(`${field}.target.averageValue`, "may not set both a target raw value and a target utilization");
  }
}

function validateIdentifier({ name, selector }: MetricIdentifier, field: string, errors: FieldErrors): void {
  if (name === "") errors.required(`${field}.name`, "must specify a metric name");
  else errors.invalidEach(`${field}.name`, name, isPathSegment(name));
  if (selector !== undefined) validateLabelSelector(selector, `${field}.selector`, errors);
}

function validateTarget(target: MetricTarget, field: string, errors: FieldErrors): void {
  const { type, value, averageValue, averageUtilization } = target;
  if (type === "") errors.required(`${field}.type`, "must specify a metric target type");
  else if (!["Utilization", "Value", "AverageValue"].includes(type)) {
    errors.invalid(`${field}.type`, type, "must be either Utilization, Value, or AverageValue");
  }
  if (value !== undefined && !isPositive(value)) errors.invalid(`${field}.value`, value, "must be positive");
  if (averageValue !== undefined && !isPositive(averageValue)) {
    errors.invalid(`${field}.averageValue`, averageValue, "must be positive");
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.invalid(`${field}.averageUtilization`, averageUtilization, "must be greater than 0");
  }
}

function isPositive(value: string | undefined): boolean {
  return value !== undefined && Quantity.of(value).compare(Quantity.zero) > 0;
}

function validateRules(rules: HPAScalingRules | undefined, field: string, errors: FieldErrors): void {
  if (rules === undefined) return;
  const { stabilizationWindowSeconds: seconds, selectPolicy, policies = [], tolerance } = rules;
  const at = `${field}.stabilizationWindowSeconds`;
  if (seconds !== undefined && seconds < 0) errors.invalid(at, seconds, "must be greater than or equal to zero");
  if (seconds !== undefined && seconds > maxStabilizationSeconds) {
    errors.invalid(at, seconds, `must be less than or equal to ${maxStabilizationSeconds}`);
  }
  validateOptionalOneOf(selectPolicy, ["Max", "Min", "Disabled"], `${field}.selectPolicy`, errors);
  if (tolerance !== undefined) validateQuantityNotNegative(tolerance, `${field}.tolerance`, errors);
  if (policies.length === 0) errors.required(`${field}.policies`, "must specify at least one Policy");
  for (const [index, policy] of policies.entries()) validatePolicy(policy, `${field}.policies[${index}]`, errors);
}

function validatePolicy({ type, value, periodSeconds }: HPAScalingPolicy, field: string, errors: FieldErrors): void {
  validateOptionalOneOf(type, ["Pods", "Percent"], `${field}.type`, errors);
  if (value <= 0) errors.invalid(`${field}.value`, value, "must be greater than zero");
  if (periodSeconds <= 0) errors.invalid(`${field}.periodSeconds`, periodSeconds, "must be greater than zero");
  if (periodSeconds > maxPeriodSeconds) {
    errors.invalid(`${field}.periodSeconds`, periodSeconds, `must be less than or equal to ${maxPeriodSeconds}`);
  }
}
