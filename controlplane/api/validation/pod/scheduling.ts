import type {
  Affinity,
  NodeAffinity,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from "../../types/core/affinity.ts";
import type { NodeSelectorRequirement, NodeSelectorTerm } from "../../types/core/selector.ts";
import { validateLabelSelector, validateOneOf } from "../common.ts";
import type { FieldErrors } from "../field-errors.ts";
import { isDNS1123Label, isQualifiedName } from "../formats.ts";

export const taintEffects = ["NoExecute", "NoSchedule", "PreferNoSchedule"];

export function validateAffinity(affinity: Affinity | undefined, field: string, errors: FieldErrors): void {
  if (affinity?.nodeAffinity !== undefined)
    validateNodeAffinity(affinity.nodeAffinity, `${field}.nodeAffinity`, errors);
  for (const name of ["podAffinity", "podAntiAffinity"] as const) {
    const pods = affinity?.[name];
    for (const [index, term] of (pods?.requiredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      validatePodTerm(term, `${field}.${name}.requiredDuringSchedulingIgnoredDuringExecution[${index}]`, errors);
    }
    for (const [index, preferred] of (pods?.preferredDuringSchedulingIgnoredDuringExecution ?? []).entries()) {
      const at = `${field}.${name}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
      validateWeight(preferred.weight, `${at}.weight`, errors);
      validatePodTerm(preferred.podAffinityTerm, `${at}.podAffinityTerm`, errors);
    }
  }
}

function validateNodeAffinity(affinity: NodeAffinity, field: string, errors: FieldErrors): void {
  const required = affinity.requiredDuringSchedulingIgnoredDuringExecution;
  if (required !== undefined) {
    const at = `${field}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
    const terms = required.nodeSelectorTerms ?? [];
    if (terms.length === 0) errors.required(at, "must have at least one node selector term");
    for (const [index, term] of terms.entries()) validateNodeTerm(term, `${at}[${index}]`, errors);
  }
  for (const [index, { weight, preference }] of (
    affinity.preferredDuringSchedulingIgnoredDuringExecution ?? []
  ).entries()) {
    const at = `${field}.preferredDuringSchedulingIgnoredDuringExecution[${index}]`;
    validateWeight(weight, `${at}.weight`, errors);
    validateNodeTerm(preference ?? {}, `${at}.preference`, errors);
  }
}

export function validateNodeTerm(term: NodeSelectorTerm, field: string, errors: FieldErrors): void {
  for (const [index, requirement] of (term.matchExpressions ?? []).entries()) {
    validateNodeRequirement(requirement, `${field}.matchExpressions[${index}]`, errors);
  }
  for (const [index, requirement] of (term.matchFields ?? []).entries()) {
    const at = `${field}.matchFields[${index}]`;
    if (requirement.operator !== "In" && requirement.operator !== "NotIn") {
      errors.invalid(`${at}.operator`, requirement.operator, "not a valid selector operator");
    } else if ((requirement.values ?? []).length !== 1) {
      errors.required(
        `${at}.values`,
        "must be only one value when `operator` is 'In' or 'NotIn' for node field selector",
      );
    }
    if (requirement.key !== "metadata.name")
      errors.invalid(`${at}.key`, requirement.key, "not a valid field selector key");
  }
}

function validateNodeRequirement(requirement: NodeSelectorRequirement, at: string, errors: FieldErrors): void {
  const { key, operator, values = [] } = requirement;
  switch (operator) {
    case "In":
    case "NotIn":
      if (values.length === 0) errors.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
      break;
    case "Exists":
    case "DoesNotExist":
      if (values.length > 0) {
        errors.forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
      }
      break;
    case "Gt":
    case "Lt":
      if (values.length !== 1) {
        errors.required(`${at}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'");
      }
      break;
    default:
      errors.invalid(`${at}.operator`, operator, "not a valid selector operator");
  }
  errors.invalidEach(`${at}.key`, key, isQualifiedName(key));
}

function validateWeight(weight: number, field: string, errors: FieldErrors): void {
  if (weight < 1 || weight > 100) errors.invalid(field, weight, "must be in the range 1-100");
}

function validatePodTerm(term: PodAffinityTerm | undefined, field: string, errors: FieldErrors): void {
  validateLabelSelector(term?.labelSelector, `${field}.labelSelector`, errors);
  validateLabelSelector(term?.namespaceSelector, `${field}.namespaceSelector`, errors);
  for (const [index, namespace] of (term?.namespaces ?? []).entries()) {
    errors.invalidEach(`${field}.namespaces[${index}]`, namespace, isDNS1123Label(namespace));
  }
  if (!term?.topologyKey) errors.required(`${field}.topologyKey`, "can not be empty");
  else errors.invalidEach(`${field}.topologyKey`, term.topologyKey, isQualifiedName(term.topologyKey));
}

export function validateTolerations(tolerations: readonly Toleration[], field: string, errors: FieldErrors): void {
  for (const [index, toleration] of tolerations.entries()) {
    const at = `${field}[${index}]`;
    const { key = "", operator, value = "", effect, tolerationSeconds } = toleration;
    if (key !== "") errors.invalidEach(`${at}.key`, key, isQualifiedName(key));
    if (key === "" && operator !== "Exists") {
      const rule = 'operator must be Exists when `key` is empty, which means "match all values and all keys"';
      errors.invalid(`${at}.operator`, operator ?? "", rule);
    }
    if (tolerationSeconds !== undefined && effect !== "NoExecute") {
      errors.invalid(`${at}.effect`, effect ?? "", "effect must be 'NoExecute' when `tolerationSeconds` is set");
    }
    if (operator === "Exists" && value !== "") {
      errors.invalid(`${at}.operator`, toleration, "value must be empty when `operator` is 'Exists'");
    }
    if (operator !== undefined && operator !== "Exists" && operator !== "Equal") {
      errors.notSupported(`${at}.operator`, operator, ["Equal", "Exists"]);
    }
    if (effect !== undefined && !taintEffects.includes(effect)) {
      errors.notSupported(`${at}.effect`, effect, taintEffects);
    }
  }
}

export function validateTopologySpread(
  constraints: readonly TopologySpreadConstraint[],
  field: string,
  errors: FieldErrors,
): void {
  for (const [index, { maxSkew, topologyKey, whenUnsatisfiable, labelSelector }] of constraints.entries()) {
    const at = `${field}[${index}]`;
    if (maxSkew <= 0) errors.invalid(`${at}.maxSkew`, maxSkew, "must be greater than zero");
    if (!topologyKey) errors.required(`${at}.topologyKey`, "can not be empty");
    validateOneOf(whenUnsatisfiable, ["DoNotSchedule", "ScheduleAnyway"], `${at}.whenUnsatisfiable`, errors);
    validateLabelSelector(labelSelector, `${at}.labelSelector`, errors);
    const isTwin = (other: TopologySpreadConstraint) =>
      other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable;
    if (constraints.slice(0, index).some(isTwin)) {
      errors.duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`);
    }
  }
}
