import type {
  Affinity,
  NodeAffinity,
  PodAffinityTerm,
  Toleration,
  TopologySpreadConstraint,
} from "../../types/core/affinity.ts";
import type { NodeSelectorRequirement, NodeSelectorTerm } from "../../types/core/selector.ts";
import { validateLabelSelector } from "../common.ts";
import type { FieldErrors } from "../field-errors.ts";
import { isDNS1123Label, isLabelValue, isQualifiedName } from "../formats.ts";
import { validateOptionalChoice } from "./choice.ts";

export const taintEffects = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

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
  const { labelSelector, namespaceSelector, namespaces = [], topologyKey = "" } = term ?? {};
  validateLabelSelector(labelSelector, `${field}.labelSelector`, errors);
  validateLabelSelector(namespaceSelector, `${field}.namespaceSelector`, errors);
  for (const namespace of namespaces) errors.invalidEach(`${field}.namespace`, namespace, isDNS1123Label(namespace));
  if (term !== undefined) validateComparedLabels(term, field, errors);
  if (topologyKey === "") errors.required(`${field}.topologyKey`, "can not be empty");
  errors.invalidEach(`${field}.topologyKey`, topologyKey, isQualifiedName(topologyKey));
}

/**
 * Keys of labels whose values are compared with the pod's own. They stand in the selector too by now, once: a second time is the
 * user's doing.
 */
function validateComparedLabels(term: PodAffinityTerm, field: string, errors: FieldErrors): void {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = term;
  for (const [name, keys] of Object.entries({ matchLabelKeys, mismatchLabelKeys })) {
    if (keys.length === 0) continue;
    if (labelSelector === undefined) {
      errors.forbidden(`${field}.${name}`, "must not be specified when labelSelector is not set");
    } else {
      for (const [i, key] of keys.entries()) errors.invalidEach(`${field}.${name}[${i}]`, key, isQualifiedName(key));
    }
  }
  const seen = new Set(Object.keys(labelSelector?.matchLabels ?? {}));
  for (const { key } of labelSelector?.matchExpressions ?? []) {
    const index = matchLabelKeys.indexOf(key);
    if (index >= 0 && seen.has(key)) {
      errors.invalid(`${field}[${index}]`, key, "exists in both matchLabelKeys and labelSelector");
    }
    seen.add(key);
  }
  for (const [index, key] of matchLabelKeys.entries()) {
    if (!mismatchLabelKeys.includes(key)) continue;
    const rule = "exists in both matchLabelKeys and mismatchLabelKeys";
    errors.invalid(`${field}.matchLabelKeys[${index}]`, key, rule);
  }
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
    if (operator === undefined || operator === "Equal") {
      const complaints = isLabelValue(value);
      if (complaints.length > 0) errors.invalid(`${at}.operator`, value, complaints.join(";"));
    } else if (operator !== "Exists") errors.notSupported(`${at}.operator`, operator, ["Equal", "Exists"]);
    else if (value !== "") errors.invalid(`${at}.operator`, value, "value must be empty when `operator` is 'Exists'");
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
  for (const [index, constraint] of constraints.entries()) {
    const { maxSkew, topologyKey, whenUnsatisfiable, labelSelector, minDomains } = constraint;
    const at = `${field}[${index}]`;
    if (maxSkew <= 0) errors.invalid(`${at}.maxSkew`, maxSkew, "must be greater than zero");
    if (!topologyKey) errors.required(`${at}.topologyKey`, "can not be empty");
    validateOptionalChoice(whenUnsatisfiable, ["DoNotSchedule", "ScheduleAnyway"], `${at}.whenUnsatisfiable`, errors);
    const isTwin = (other: TopologySpreadConstraint) =>
      other.topologyKey === topologyKey && other.whenUnsatisfiable === whenUnsatisfiable;
    if (constraints.slice(index + 1).some(isTwin)) {
      errors.duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, `{${topologyKey}, ${whenUnsatisfiable}}`);
    }
    if (minDomains !== undefined) {
      if (minDomains <= 0) errors.invalid(`${at}.minDomains`, minDomains, "must be greater than zero");
      if (whenUnsatisfiable !== "DoNotSchedule") {
        const rule = `can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ${whenUnsatisfiable}`;
        errors.invalid(`${at}.minDomains`, minDomains, rule);
      }
    }
    for (const name of ["nodeAffinityPolicy", "nodeTaintsPolicy"] as const) {
      validateOptionalChoice(constraint[name], ["Honor", "Ignore"], `${at}.${name}`, errors);
    }
    validateSpreadLabels(constraint, `${at}.matchLabelKeys`, errors);
    validateLabelSelector(labelSelector, `${at}.labelSelector`, errors);
  }
}

function validateSpreadLabels(
  { matchLabelKeys = [], labelSelector }: TopologySpreadConstraint,
  field: string,
  errors: FieldErrors,
): void {
  if (matchLabelKeys.length === 0) return;
  if (labelSelector === undefined) errors.forbidden(field, "must not be specified when labelSelector is not set");
  const selected = [
    ...Object.keys(labelSelector?.matchLabels ?? {}),
    ...(labelSelector?.matchExpressions ?? []).map(({ key }) => key),
  ];
  for (const [index, key] of matchLabelKeys.entries()) {
    errors.invalidEach(`${field}[${index}]`, key, isQualifiedName(key));
    if (selected.includes(key)) {
      errors.invalid(`${field}[${index}]`, key, "exists in both matchLabelKeys and labelSelector");
    }
  }
}
