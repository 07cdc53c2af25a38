import type { Deployment } from "../types/apps/deployment.ts";
import type { ReplicaSet } from "../types/apps/replica-set.ts";
import type { PodTemplateSpec } from "../types/core/pod-template.ts";
import type { LabelSelector } from "../types/meta/selector.ts";
import {
  isEmptySelector,
  percentOf,
  validateCountOrPercent,
  validateLabelSelector,
  validateNotNegative,
  validateSelectorMatchesTemplate,
} from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { validateImmutable } from "./metadata.ts";
import { validatePodTemplate, validatePodTemplateMetadata } from "./pod/pod-spec.ts";

export function validateDeployment({ spec }: Deployment, errors: FieldErrors): void {
  validateNotNegative(spec.replicas, "spec.replicas", errors);
  validateSelector(spec.selector, "deployment", errors);
  validateReplicatedTemplate(spec.template, spec.selector, "Deployment", errors);
  validateStrategy(spec, errors);
  validateNotNegative(spec.minReadySeconds, "spec.minReadySeconds", errors);
  validateNotNegative(spec.revisionHistoryLimit, "spec.revisionHistoryLimit", errors);
  const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec;
  validateNotNegative(deadline, "spec.progressDeadlineSeconds", errors);
  if (deadline !== undefined && deadline <= minReadySeconds) {
    errors.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds");
  }
}

export function validateDeploymentUpdate(next: Deployment, old: Deployment, errors: FieldErrors): void {
  validateImmutable(next.spec.selector, old.spec.selector, "spec.selector", errors);
}

function validateStrategy({ strategy }: Deployment["spec"], errors: FieldErrors): void {
  const field = "spec.strategy";
  const { type, rollingUpdate } = strategy ?? {};
  if (type === undefined) errors.required(`${field}.type`);
  else if (type === "Recreate") {
    const rule = "may not be specified when strategy `type` is 'Recreate'";
    if (rollingUpdate !== undefined) errors.forbidden(`${field}.rollingUpdate`, rule);
  } else if (type !== "RollingUpdate") {
    errors.notSupported(`${field}.type`, type, ["Recreate", "RollingUpdate"]);
  } else if (rollingUpdate === undefined)
    errors.required(`${field}.rollingUpdate`, "this should be defaulted and never be nil");
  else {
    const { maxUnavailable, maxSurge } = rollingUpdate;
    validateCountOrPercent(maxUnavailable, `${field}.rollingUpdate.maxUnavailable`, errors);
    validateCountOrPercent(maxSurge, `${field}.rollingUpdate.maxSurge`, errors);
    // With both at zero no step of a rolling update is allowed.
    if (isZero(maxUnavailable) && isZero(maxSurge)) {
      errors.invalid(`${field}.rollingUpdate.maxUnavailable`, maxUnavailable, "may not be 0 when `maxSurge` is 0");
    }
    if ((percentOf(maxUnavailable) ?? 0) > 100) {
      errors.invalid(`${field}.rollingUpdate.maxUnavailable`, maxUnavailable, "must not be greater than 100%");
    }
  }
}

function isZero(value: number | string | undefined): boolean {
  return value === undefined || value === 0 || percentOf(value) === 0;
}

export function validateReplicaSet({ spec }: ReplicaSet, errors: FieldErrors): void {
  validateNotNegative(spec.replicas, "spec.replicas", errors);
  validateNotNegative(spec.minReadySeconds, "spec.minReadySeconds", errors);
  validateSelector(spec.selector, "deployment", errors);
  validateReplicatedTemplate(spec.template, spec.selector, "ReplicaSet", errors);
}

export function validateReplicaSetUpdate(next: ReplicaSet, old: ReplicaSet, errors: FieldErrors): void {
  validateImmutable(next.spec.selector, old.spec.selector, "spec.selector", errors);
}

export function validateSelector(selector: LabelSelector | undefined, owner: string, errors: FieldErrors): void {
  if (selector === undefined) {
    errors.required("spec.selector");
    return;
  }
  validateLabelSelector(selector, "spec.selector", errors);
  if (isEmptySelector(selector)) errors.invalid("spec.selector", selector, `empty selector is invalid for ${owner}`);
}

/** What keeps pods running cannot use pods that end by themselves. */
export function validateReplicatedTemplate(
  template: PodTemplateSpec | undefined,
  selector: LabelSelector | undefined,
  owner: string,
  errors: FieldErrors,
): void {
  const field = "spec.template";
  validateSelectorMatchesTemplate(selector, template?.metadata?.labels, `${field}.metadata.labels`, errors);
  // The volumes of a StatefulSet's pods come from its claims: only the pods that are made of it can be looked at whole.
  if (owner === "StatefulSet") validatePodTemplateMetadata(template, field, errors);
  else validatePodTemplate(template, field, errors);
  const restartPolicy = template?.spec?.restartPolicy;
  if (restartPolicy !== undefined && restartPolicy !== "Always") {
    errors.notSupported(`${field}.spec.restartPolicy`, restartPolicy, ["Always"]);
  }
  if (template?.spec?.activeDeadlineSeconds !== undefined) {
    const rule = `activeDeadlineSeconds in ${owner === "Deployment" ? "ReplicaSet" : owner} is not Supported`;
    errors.forbidden(`${field}.spec.activeDeadlineSeconds`, rule);
  }
}
