import { toUtf8 } from "../../../base/mod.ts";
import { equalJson } from "../schema/equal.ts";
import type { ObjectMeta, OwnerReference } from "../types/meta/object-meta.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isDNS1123Label, isLabelValue, isQualifiedName } from "./formats.ts";

const annotationsLimitBytes = 256 * 1024;
const immutableField = "field is immutable";

export interface NameRules {
  readonly namespaced: boolean;
  /** Complaints about a name. */
  name(name: string): string[];
}

export function validateMetadata(meta: ObjectMeta, rules: NameRules, errors: FieldErrors): void {
  if (meta.generateName) {
    // A trailing hyphen is fine here: more characters will follow.
    errors.invalidEach("metadata.generateName", meta.generateName, rules.name(meta.generateName.replace(/-$/, "a")));
  }
  if (!meta.name) errors.required("metadata.name", "name or generateName is required");
  else errors.invalidEach("metadata.name", meta.name, rules.name(meta.name));

  if (!rules.namespaced) {
    if (meta.namespace) errors.forbidden("metadata.namespace", "not allowed on this type");
  } else if (!meta.namespace) errors.required("metadata.namespace");
  else errors.invalidEach("metadata.namespace", meta.namespace, isDNS1123Label(meta.namespace));

  validateLabels(meta.labels, "metadata.labels", errors);
  validateAnnotations(meta.annotations, "metadata.annotations", errors);
  validateOwnerReferences(meta.ownerReferences ?? [], "metadata.ownerReferences", errors);
  validateFinalizers(meta.finalizers ?? [], "metadata.finalizers", errors);
}

/** What no update may change, and what a deletion in progress forbids. */
export function validateMetadataUpdate(next: ObjectMeta, old: ObjectMeta, errors: FieldErrors): void {
  if (old.deletionTimestamp !== undefined) {
    const added = (next.finalizers ?? []).filter((finalizer) => !old.finalizers?.includes(finalizer)).sort();
    if (added.length > 0) {
      const shown = `[]string{${added.map((name) => JSON.stringify(name)).join(", ")}}`;
      const rule = "no new finalizers can be added if the object is being deleted";
      errors.forbidden("metadata.finalizers", `${rule}, found new finalizers ${shown}`);
    }
  }
  for (const field of [
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
  ] as const) {
    validateImmutable(next[field], old[field], `metadata.${field}`, errors);
  }
  validateLabels(next.labels, "metadata.labels", errors);
  validateAnnotations(next.annotations, "metadata.annotations", errors);
  validateOwnerReferences(next.ownerReferences ?? [], "metadata.ownerReferences", errors);
  validateFinalizers(next.finalizers ?? [], "metadata.finalizers", errors);
}

export function validateImmutable(next: unknown, old: unknown, field: string, errors: FieldErrors): void {
  if (!equalJson(next, old)) errors.invalid(field, next ?? null, immutableField);
}

export function validateLabels(labels: Record<string, string> | undefined, field: string, errors: FieldErrors): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    errors.invalidEach(field, key, isQualifiedName(key));
    errors.invalidEach(field, value, isLabelValue(value));
  }
}

export function validateAnnotations(
  annotations: Record<string, string> | undefined,
  field: string,
  errors: FieldErrors,
): void {
  let size = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    // Unlike those of labels, prefixes of annotations may have capital letters.
    errors.invalidEach(field, key, isQualifiedName(key.toLowerCase()));
    size += toUtf8(key).length + toUtf8(value).length;
  }
  if (size > annotationsLimitBytes) errors.tooLong(field, annotationsLimitBytes);
}

function validateOwnerReferences(references: readonly OwnerReference[], field: string, errors: FieldErrors): void {
  let controller: string | undefined;
  for (const [index, reference] of references.entries()) {
    const at = `${field}[${index}]`;
    if (!reference.apiVersion) errors.required(`${at}.apiVersion`, "must not be empty");
    else if (!/^([^/]+\/)?[^/]+$/.test(reference.apiVersion)) {
      errors.invalid(`${at}.apiVersion`, reference.apiVersion, "must be <group>/<version> or <version>");
    }
    for (const name of ["kind", "name", "uid"] as const) {
      if (!reference[name]) errors.required(`${at}.${name}`, "must not be empty");
    }
    if (reference.apiVersion === "v1" && reference.kind === "Event") {
      errors.invalid(at, reference, "/v1, Kind=Event is disallowed from being an owner");
    }
    if (!reference.controller) continue;
    const name = `${reference.kind}/${reference.name}`;
    if (controller === undefined) controller = name;
    else {
      const found = `Found "true" in references for ${controller} and ${name}`;
      errors.invalid(field, references, `Only one reference can have Controller set to true. ${found}`);
    }
  }
}

function validateFinalizers(finalizers: readonly string[], field: string, errors: FieldErrors): void {
  for (const finalizer of finalizers) errors.invalidEach(field, finalizer, isQualifiedName(finalizer));
  if (finalizers.includes("orphan") && finalizers.includes("foregroundDeletion")) {
    errors.invalid(field, finalizers, "finalizer orphan and foregroundDeletion cannot be both set");
  }
}
