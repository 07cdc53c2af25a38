import type { ControllerRevision } from "../types/apps/controller-revision.ts";
import type { PodTemplate } from "../types/core/pod-template.ts";
import type { ReplicationController } from "../types/core/replication-controller.ts";
import { validateNotNegative } from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { validateImmutable } from "./metadata.ts";
import { validatePodTemplate } from "./pod/pod-spec.ts";
import { validateReplicatedTemplate } from "./workloads.ts";

export function validateReplicationController({ spec }: ReplicationController, errors: FieldErrors): void {
  validateNotNegative(spec.minReadySeconds, "spec.minReadySeconds", errors);
  if (Object.keys(spec.selector ?? {}).length === 0) errors.required("spec.selector");
  if (spec.replicas === undefined) errors.required("spec.replicas");
  validateNotNegative(spec.replicas, "spec.replicas", errors);
  if (spec.template === undefined) errors.required("spec.template");
  else {
    const selector = spec.selector === undefined ? {} : { matchLabels: spec.selector };
    validateReplicatedTemplate(spec.template, selector, "ReplicationController", errors);
  }
}

export function validatePodTemplateObject({ template }: PodTemplate, errors: FieldErrors): void {
  validatePodTemplate(template, "template", errors);
}

export function validateControllerRevision({ data, revision }: ControllerRevision, errors: FieldErrors): void {
  if (data === undefined || data === null) errors.required("data", "data is mandatory");
  validateNotNegative(revision, "revision", errors);
}

export function validateControllerRevisionUpdate(
  next: ControllerRevision,
  old: ControllerRevision,
  errors: FieldErrors,
): void {
  validateImmutable(next.data, old.data, "data", errors);
}
