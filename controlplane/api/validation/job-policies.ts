import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
} from "../types/batch/job.ts";
import { validateNotNegative } from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isQualifiedName } from "./formats.ts";

const limits = { rules: 20, exitCodes: 255, conditions: 20, indexesBytes: 64 * 1024 };

/** What the failure of a pod means for its Job, by how it failed. */
export function validatePodFailurePolicy(spec: JobSpec, field: string, errors: FieldErrors): void {
  const rules = spec.podFailurePolicy?.rules ?? [];
  const at = `${field}.podFailurePolicy.rules`;
  if (rules.length > limits.rules) errors.tooMany(at, rules.length, limits.rules);
  for (const [index, rule] of rules.entries()) validateFailureRule(rule, spec, `${at}[${index}]`, errors);
}

const actions = ["Count", "FailIndex", "FailJob", "Ignore"];

function validateFailureRule(rule: PodFailurePolicyRule, spec: JobSpec, field: string, errors: FieldErrors): void {
  const { onExitCodes, onPodConditions = [] } = rule;
  validateGiven(rule.action, actions, `${field}.action`, errors);
  if (rule.action === "FailIndex" && spec.backoffLimitPerIndex === undefined) {
    errors.invalid(`${field}.action`, rule.action, "requires the backoffLimitPerIndex to be set");
  }
  if (onExitCodes !== undefined) validateExitCodes(onExitCodes, spec, `${field}.onExitCodes`, errors);
  if (onPodConditions.length > 0) validateConditions(onPodConditions, `${field}.onPodConditions`, errors);
  if (onExitCodes !== undefined && onPodConditions.length > 0) {
    errors.invalid(field, undefined, "specifying both OnExitCodes and OnPodConditions is not supported");
  } else if (onExitCodes === undefined && onPodConditions.length === 0) {
    errors.invalid(field, undefined, "specifying one of OnExitCodes and OnPodConditions is required");
  }
}

function validateConditions(
  patterns: readonly PodFailurePolicyOnPodConditionsPattern[],
  field: string,
  errors: FieldErrors,
): void {
  if (patterns.length > limits.conditions) errors.tooMany(field, patterns.length, limits.conditions);
  for (const [index, { type, status }] of patterns.entries()) {
    errors.invalidEach(`${field}[${index}].type`, type, isQualifiedName(type));
    validateGiven(status, ["False", "True", "Unknown"], `${field}[${index}].status`, errors);
  }
}

function validateExitCodes(
  { operator, values = [], containerName }: PodFailurePolicyOnExitCodesRequirement,
  { template }: JobSpec,
  field: string,
  errors: FieldErrors,
): void {
  validateGiven(operator, ["In", "NotIn"], `${field}.operator`, errors);
  const containers = [...(template.spec?.containers ?? []), ...(template.spec?.initContainers ?? [])];
  if (containerName !== undefined && !containers.some(({ name }) => name === containerName)) {
    const rule = "must be one of the container or initContainer names in the pod template";
    errors.invalid(`${field}.containerName`, containerName, rule);
  }
  const at = `${field}.values`;
  if (values.length === 0) errors.invalid(at, values, "at least one value is required");
  else if (values.length > limits.exitCodes) errors.tooMany(at, values.length, limits.exitCodes);
  for (const [index, value] of values.entries()) {
    // Zero is no failure: nothing would ever match.
    if (operator === "In" && value === 0) errors.invalid(`${at}[${index}]`, value, "must not be 0 for the In operator");
    if (values.indexOf(value) < index) errors.duplicate(`${at}[${index}]`, value);
  }
  if (values.some((value, index) => index > 0 && value < (values[index - 1] as number))) {
    errors.invalid(at, values, "must be ordered");
  }
}

/** Like a value out of a closed set, but a missing one is told in Go's way of printing lists. */
function validateGiven(value: string | undefined, known: readonly string[], field: string, errors: FieldErrors): void {
  if (!value) errors.required(field, `valid values: [${known.map((v) => JSON.stringify(v)).join(" ")}]`);
  else if (!known.includes(value)) errors.notSupported(field, value, known);
}

/** Which of its indexes are enough for an indexed Job. */
export function validateSuccessPolicy(spec: JobSpec, field: string, errors: FieldErrors): void {
  const rules = spec.successPolicy?.rules ?? [];
  const at = `${field}.successPolicy.rules`;
  if (rules.length === 0) {
    errors.required(at, "at least one rules must be specified when the successPolicy is specified");
  }
  if (rules.length > limits.rules) errors.tooMany(at, rules.length, limits.rules);
  for (const [index, { succeededCount, succeededIndexes }] of rules.entries()) {
    const here = `${at}[${index}]`;
    if (succeededCount === undefined && succeededIndexes === undefined) {
      errors.required(here, "at least one of succeededCount or succeededIndexes must be specified");
    }
    let chosen: number | undefined;
    if (succeededIndexes !== undefined) {
      if (succeededIndexes.length > limits.indexesBytes) {
        errors.tooLong(`${here}.succeededIndexes`, limits.indexesBytes);
      }
      const parsed = countIndexes(succeededIndexes, spec.completions ?? 0);
      if (parsed.ok) chosen = parsed.count;
      else {
        const why = `error parsing succeededIndexes: ${parsed.error}`;
        errors.invalid(`${here}.succeededIndexes`, succeededIndexes, why);
      }
    }
    if (succeededCount === undefined) continue;
    validateNotNegative(succeededCount, `${here}.succeededCount`, errors);
    const atMost = (most: number, what: string) =>
      errors.invalid(`${here}.succeededCount`, succeededCount, `must be less than or equal to ${most} (${what})`);
    const { completions } = spec;
    if (completions !== undefined && succeededCount > completions) {
      atMost(completions, "the number of specified completions");
    }
    if (chosen !== undefined && succeededCount > chosen) {
      atMost(chosen, "the number of indexes in the specified succeededIndexes field");
    }
  }
}

/** `1,3-5` names four indexes, in ascending order, all of them below `completions`. */
export function countIndexes(
  text: string,
  completions: number,
): { readonly ok: true; readonly count: number } | { readonly ok: false; readonly error: string } {
  const wrong = (error: string) => ({ ok: false, error }) as const;
  let last = -1;
  let count = 0;
  for (const interval of text === "" ? [] : text.split(",")) {
    const bounds = interval.split("-");
    if (bounds.length > 2) {
      const rule = "an index interval can have at most two parts separated by '-'";
      return wrong(`the fragment ${JSON.stringify(interval)} violates the requirement that ${rule}`);
    }
    for (const bound of bounds) {
      if (!/^\d+$/.test(bound)) return wrong(`cannot convert string to integer for index: ${JSON.stringify(bound)}`);
      if (Number(bound) >= completions) return wrong(`too large index: ${JSON.stringify(bound)}`);
    }
    const [from, to = from] = bounds.map(Number) as [number, number?];
    if (bounds.length === 2 && from >= to) return wrong(`non-increasing order, previous: ${from}, current: ${to}`);
    if (last >= from) return wrong(`non-increasing order, previous: ${last}, current: ${from}`);
    count += to - from + 1;
    last = to;
  }
  return { ok: true, count };
}
