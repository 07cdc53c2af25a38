import { equalJson } from "../schema/equal.ts";
import type { Job, JobSpec } from "../types/batch/job.ts";
import {
  validateLabelSelector,
  validateNotNegative,
  validateOptionalOneOf,
  validateSelectorMatchesTemplate,
} from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isDNS1123Label, isDNS1123Subdomain, isQualifiedName } from "./formats.ts";
import { validatePodFailurePolicy, validateSuccessPolicy } from "./job-policies.ts";
import { validateImmutable } from "./metadata.ts";
import { validatePodTemplate } from "./pod/pod-spec.ts";

export const controllerUidLabel = "batch.kubernetes.io/controller-uid";

export function validateJob(job: Job, errors: FieldErrors): void {
  validateSelection(job, errors);
  validateJobSpec(job.spec, "spec", errors);
  validateHostnames(job, errors);
}

/** All of a Job's spec but its selector, which only Jobs have, and not what makes them. */
export function validateJobSpec(spec: JobSpec, field: string, errors: FieldErrors): void {
  for (const name of [
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
  ] as const) {
    validateNotNegative(spec[name], `${field}.${name}`, errors);
  }
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined) {
    errors.required(`${field}.backoffLimitPerIndex`, "when maxFailedIndexes is specified");
  }
  if (spec.managedBy !== undefined) validateManager(spec.managedBy, `${field}.managedBy`, errors);
  validateCompletionMode(spec, field, errors);
  if (spec.podFailurePolicy !== undefined) validatePodFailurePolicy(spec, field, errors);
  if (spec.successPolicy !== undefined) {
    if (spec.completionMode === "Indexed") validateSuccessPolicy(spec, field, errors);
    else errors.invalid(`${field}.successPolicy`, spec.successPolicy, needsIndexes);
  }
  // With a failure policy a pod counts when it is known how it ended.
  const replacement = spec.podFailurePolicy === undefined ? ["Failed", "TerminatingOrFailed"] : ["Failed"];
  validateOptionalOneOf(spec.podReplacementPolicy, replacement, `${field}.podReplacementPolicy`, errors);
  validatePodTemplate(spec.template, `${field}.template`, errors);
  validateRestartPolicy(spec, `${field}.template.spec.restartPolicy`, errors);
}

/** Unless told otherwise a Job selects its pods by its own uid, so that no two Jobs ever share a pod. */
function validateSelection({ spec, metadata }: Job, errors: FieldErrors): void {
  if (spec.selector === undefined) errors.required("spec.selector");
  else validateLabelSelector(spec.selector, "spec.selector", errors);
  validateSelectorMatchesTemplate(
    spec.selector,
    spec.template.metadata?.labels,
    "spec.template.metadata.labels",
    errors,
  );
  if (spec.manualSelector === true || spec.selector === undefined || metadata.uid === undefined) return;
  const selected = spec.selector.matchLabels?.[controllerUidLabel] ?? spec.selector.matchLabels?.["controller-uid"];
  if (selected !== metadata.uid) errors.invalid("spec.selector", spec.selector, "`selector` not auto-generated");
}

/** The pods of an indexed Job are hosts named after it and their index. */
function validateHostnames({ metadata, spec }: Job, errors: FieldErrors): void {
  if (spec.completionMode !== "Indexed" || !spec.completions || !metadata.name) return;
  for (const why of isDNS1123Label(`${metadata.name}-${spec.completions - 1}`)) {
    errors.invalid("metadata.name", metadata.name, `will not able to create pod with invalid DNS label: ${why}`);
  }
}

const maxManagerBytes = 63;

function validateManager(managedBy: string, field: string, errors: FieldErrors): void {
  const [domain, ...path] = managedBy.split("/");
  if (managedBy === "") errors.required(field);
  else if (!domain || path.join("/") === "") {
    errors.invalid(field, managedBy, 'must be a domain-prefixed path (such as "acme.io/foo")');
  } else {
    errors.invalidEach(field, domain, isDNS1123Subdomain(domain));
    for (const part of path) errors.invalidEach(field, managedBy, isQualifiedName(part));
  }
  if (managedBy.length > maxManagerBytes) errors.tooLong(field, maxManagerBytes);
}

/** Beyond these an object could not say any more which indexes are done. */
const limits = { indexed: 100_000, manyCompletions: 100_000, whenMany: 10_000 };
const needsIndexes = "requires indexed completion mode";

function validateCompletionMode(spec: JobSpec, field: string, errors: FieldErrors): void {
  const { completionMode, completions, parallelism = 0, backoffLimitPerIndex, maxFailedIndexes } = spec;
  validateOptionalOneOf(completionMode, ["NonIndexed", "Indexed"], `${field}.completionMode`, errors);
  if (completionMode !== "Indexed") {
    if (backoffLimitPerIndex !== undefined)
      errors.invalid(`${field}.backoffLimitPerIndex`, backoffLimitPerIndex, needsIndexes);
    if (maxFailedIndexes !== undefined) errors.invalid(`${field}.maxFailedIndexes`, maxFailedIndexes, needsIndexes);
    return;
  }
  if (completions === undefined) errors.required(`${field}.completions`, "when completion mode is Indexed");
  if (parallelism > limits.indexed) {
    const rule = `must be less than or equal to ${limits.indexed} when completion mode is Indexed`;
    errors.invalid(`${field}.parallelism`, parallelism, rule);
  }
  if (maxFailedIndexes !== undefined) {
    const at = `${field}.maxFailedIndexes`;
    if (maxFailedIndexes > (completions ?? Infinity)) {
      errors.invalid(at, maxFailedIndexes, "must be less than or equal to completions");
    }
    if (maxFailedIndexes > limits.indexed) {
      errors.invalid(at, maxFailedIndexes, `must be less than or equal to ${limits.indexed}`);
    }
  }
  if (backoffLimitPerIndex === undefined || (completions ?? 0) <= limits.manyCompletions) return;
  const whenMany = `when completions are above ${limits.manyCompletions}`;
  if (parallelism > limits.whenMany) {
    const rule = `must be less than or equal to ${limits.whenMany} ${whenMany} and used with backoff limit per index`;
    errors.invalid(`${field}.parallelism`, parallelism, rule);
  }
  if (maxFailedIndexes === undefined) {
    const rule = `must be specified when completions is above ${limits.manyCompletions}`;
    errors.required(`${field}.maxFailedIndexes`, rule);
  } else if (maxFailedIndexes > limits.whenMany) {
    const rule = `must be less than or equal to ${limits.whenMany} ${whenMany}`;
    errors.invalid(`${field}.maxFailedIndexes`, maxFailedIndexes, rule);
  }
}

function validateRestartPolicy({ template, podFailurePolicy }: JobSpec, field: string, errors: FieldErrors): void {
  const policy = template.spec?.restartPolicy;
  if (policy === undefined || policy === "Always") errors.required(field, 'valid values: "OnFailure", "Never"');
  else if (policy !== "OnFailure" && policy !== "Never") errors.notSupported(field, policy, ["OnFailure", "Never"]);
  else if (podFailurePolicy !== undefined && policy !== "Never") {
    errors.invalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified');
  }
}

export function validateJobUpdate(next: Job, old: Job, errors: FieldErrors): void {
  if (next.spec.completions !== old.spec.completions) validateCompletionsUpdate(next.spec, old.spec, errors);
  validateImmutable(next.spec.selector, old.spec.selector, "spec.selector", errors);
  validateTemplateUpdate(next, old, errors);
  for (const name of [
    "completionMode",
    "podFailurePolicy",
    "backoffLimitPerIndex",
    "managedBy",
    "successPolicy",
  ] as const) {
    validateImmutable(next.spec[name], old.spec[name], `spec.${name}`, errors);
  }
}

/** Only an indexed Job may grow or shrink, and only together with its parallelism. */
function validateCompletionsUpdate(next: JobSpec, old: JobSpec, errors: FieldErrors): void {
  if (next.completionMode !== "Indexed")
    validateImmutable(next.completions, old.completions, "spec.completions", errors);
  else if (next.completions !== next.parallelism) {
    const rule = `can only be modified in tandem with spec.parallelism`;
    errors.invalid("spec.completions", next.completions ?? null, rule);
  }
}

/** While a Job is suspended and has not started, where its pods may run can still be changed. */
function validateTemplateUpdate(next: Job, old: Job, errors: FieldErrors): void {
  const isHeld = old.spec.suspend === true && old.status?.startTime === undefined;
  const compared = (job: Job) => {
    if (!isHeld) return job.spec.template;
    const { metadata, spec } = job.spec.template;
    const {
      nodeSelector: _,
      affinity: __,
      tolerations: ___,
      schedulingGates: ____,
      ...fixed
    } = spec ?? { containers: [] };
    const { labels: _____, annotations: ______, ...meta } = metadata ?? {};
    return { metadata: meta, spec: fixed };
  };
  if (!equalJson(compared(next), compared(old))) {
    errors.invalid("spec.template", next.spec.template, "field is immutable");
  }
}
