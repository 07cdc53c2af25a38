import { equalJson } from "../schema/equal.ts";
import type { Job, JobSpec } from "../types/batch/job.ts";
import { validateLabelSelector, validateNotNegative, validateSelectorMatchesTemplate } from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isQualifiedName } from "./formats.ts";
import { validateImmutable } from "./metadata.ts";
import { validatePodTemplate } from "./pod/pod-spec.ts";

export const controllerUidLabel = "batch.kubernetes.io/controller-uid";
const maxIndexedParallelism = 100_000;

export function validateJob(job: Job, errors: FieldErrors): void {
  const { spec } = job;
  validateSelection(job, errors);
  for (const name of [
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
  ] as const) {
    validateNotNegative(spec[name], `spec.${name}`, errors);
  }
  validateCompletionMode(spec, errors);
  if (spec.managedBy !== undefined)
    errors.invalidEach("spec.managedBy", spec.managedBy, isQualifiedName(spec.managedBy));
  validatePodTemplate(spec.template, "spec.template", errors);
  validateRestartPolicy(spec, errors);
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

function validateCompletionMode(spec: JobSpec, errors: FieldErrors): void {
  const { completionMode, completions, parallelism = 0 } = spec;
  if (completionMode !== undefined && completionMode !== "NonIndexed" && completionMode !== "Indexed") {
    errors.notSupported("spec.completionMode", completionMode, ["Indexed", "NonIndexed"]);
  }
  if (completionMode !== "Indexed") {
    const rule = "requires indexed completion mode";
    if (spec.backoffLimitPerIndex !== undefined)
      errors.invalid("spec.backoffLimitPerIndex", spec.backoffLimitPerIndex, rule);
    if (spec.maxFailedIndexes !== undefined) errors.invalid("spec.maxFailedIndexes", spec.maxFailedIndexes, rule);
    return;
  }
  if (completions === undefined) errors.required("spec.completions", "when completion mode is Indexed");
  if (parallelism > maxIndexedParallelism) {
    const rule = `must be less than or equal to ${maxIndexedParallelism} when completion mode is Indexed`;
    errors.invalid("spec.parallelism", parallelism, rule);
  }
}

function validateRestartPolicy({ template, podFailurePolicy }: JobSpec, errors: FieldErrors): void {
  const field = "spec.template.spec.restartPolicy";
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
