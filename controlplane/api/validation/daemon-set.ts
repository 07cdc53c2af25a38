import type { DaemonSet, DaemonSetSpec } from "../types/apps/daemon-set.ts";
import { amountOf, validateAtMost100Percent, validateCountOrPercent, validateNotNegative } from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { validateImmutable } from "./metadata.ts";
import { validateReplicatedTemplate, validateSelector } from "./workloads.ts";

export function validateDaemonSet({ spec }: DaemonSet, errors: FieldErrors): void {
  validateSelector(spec.selector, "daemonset", errors);
  validateReplicatedTemplate(spec.template, spec.selector, "DaemonSet", errors);
  validateNotNegative(spec.minReadySeconds, "spec.minReadySeconds", errors);
  validateUpdateStrategy(spec, errors);
  validateNotNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit", errors);
}

export function validateDaemonSetUpdate(next: DaemonSet, old: DaemonSet, errors: FieldErrors): void {
  validateImmutable(next.spec.selector, old.spec.selector, "spec.selector", errors);
}

function validateUpdateStrategy({ updateStrategy }: DaemonSetSpec, errors: FieldErrors): void {
  const field = "spec.updateStrategy";
  const { type, rollingUpdate } = updateStrategy ?? {};
  if (type === "OnDelete") return;
  if (type !== "RollingUpdate") {
    errors.notSupported(field, updateStrategy ?? null, ["OnDelete", "RollingUpdate"]);
    return;
  }
  const at = `${field}.rollingUpdate`;
  if (rollingUpdate === undefined) {
    errors.required(at);
    return;
  }
  for (const name of ["maxUnavailable", "maxSurge"] as const) {
    validateCountOrPercent(rollingUpdate[name], `${at}.${name}`, errors);
    validateAtMost100Percent(rollingUpdate[name], `${at}.${name}`, errors);
  }
  // A node is updated by taking its pod away first or by adding one first: exactly one of the two.
  const [unavailable, surge] = [amountOf(rollingUpdate.maxUnavailable) !== 0, amountOf(rollingUpdate.maxSurge) !== 0];
  if (unavailable && surge) {
    errors.invalid(`${at}.maxSurge`, rollingUpdate.maxSurge, "may not be set when maxUnavailable is non-zero");
  } else if (!unavailable && !surge) errors.required(`${at}.maxUnavailable`, "cannot be 0 when maxSurge is 0");
}
