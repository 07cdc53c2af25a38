import type { PodDisruptionBudget } from "../types/policy.ts";
import {
  validateAtMost100Percent,
  validateCountOrPercent,
  validateLabelSelector,
  validateOptionalOneOf,
} from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";

export function validatePodDisruptionBudget({ spec }: PodDisruptionBudget, errors: FieldErrors): void {
  if (spec.minAvailable !== undefined && spec.maxUnavailable !== undefined) {
    errors.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set");
  }
  for (const name of ["minAvailable", "maxUnavailable"] as const) {
    validateCountOrPercent(spec[name], `spec.${name}`, errors);
    validateAtMost100Percent(spec[name], `spec.${name}`, errors);
  }
  validateLabelSelector(spec.selector, "spec.selector", errors);
  const field = "spec.unhealthyPodEvictionPolicy";
  validateOptionalOneOf(spec.unhealthyPodEvictionPolicy, ["IfHealthyBudget", "AlwaysAllow"], field, errors);
}
