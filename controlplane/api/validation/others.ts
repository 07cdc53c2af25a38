import type {
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
} from "../types/authorization.ts";
import type { Lease } from "../types/coordination.ts";
import type { Event } from "../types/core/event.ts";
import type { Namespace } from "../types/core/namespace.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isQualifiedName } from "./formats.ts";

export function validateNamespace({ spec }: Namespace, errors: FieldErrors): void {
  for (const [index, finalizer] of (spec?.finalizers ?? []).entries()) {
    errors.invalidEach(`spec.finalizers[${index}]`, finalizer, isQualifiedName(finalizer));
  }
}

/** An event lives where its object does; those of cluster-wide objects live in "default". */
export function validateEvent({ metadata, involvedObject }: Event, errors: FieldErrors): void {
  const field = "involvedObject.namespace";
  const about = involvedObject.namespace ?? "";
  const home = metadata.namespace ?? "";
  if (about === "") {
    if (home !== "default" && home !== "kube-system") errors.invalid(field, about, "does not match event.namespace");
  } else if (about !== home) errors.invalid(field, about, "does not match event.namespace");
}

export function validateLease({ spec }: Lease, errors: FieldErrors): void {
  const { leaseDurationSeconds: duration, leaseTransitions: transitions } = spec;
  if (duration !== undefined && duration <= 0) {
    errors.invalid("spec.leaseDurationSeconds", duration, "must be greater than 0");
  }
  if (transitions !== undefined && transitions < 0) {
    errors.invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0");
  }
}

type Question = Pick<SubjectAccessReviewSpec, "resourceAttributes" | "nonResourceAttributes">;

function validateQuestion(spec: Question, errors: FieldErrors): void {
  const { resourceAttributes, nonResourceAttributes } = spec;
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    const rule = "cannot be specified in combination with resourceAttributes";
    errors.invalid("spec.nonResourceAttributes", nonResourceAttributes, rule);
  }
  if (resourceAttributes === undefined && nonResourceAttributes === undefined) {
    errors.invalid(
      "spec.resourceAttributes",
      null,
      "exactly one of nonResourceAttributes or resourceAttributes must be specified",
    );
  }
}

export function validateSelfSubjectAccessReview({ spec }: SelfSubjectAccessReview, errors: FieldErrors): void {
  validateQuestion(spec, errors);
}

export function validateSubjectAccessReview({ spec }: SubjectAccessReview, errors: FieldErrors): void {
  validateQuestion(spec, errors);
  if (!spec.user && (spec.groups ?? []).length === 0) {
    errors.required("spec.user", "at least one of user or group must be specified");
  }
}

export function validateLocalSubjectAccessReview(
  { metadata, spec }: LocalSubjectAccessReview,
  errors: FieldErrors,
): void {
  validateSubjectAccessReview({ metadata, spec }, errors);
  if (spec.resourceAttributes !== undefined && spec.resourceAttributes.namespace !== metadata.namespace) {
    errors.invalid(
      "spec.resourceAttributes.namespace",
      spec.resourceAttributes.namespace ?? "",
      "must match metadata.namespace",
    );
  }
  if (spec.nonResourceAttributes !== undefined) {
    errors.invalid("spec.nonResourceAttributes", spec.nonResourceAttributes, "disallowed on this kind of request");
  }
}
