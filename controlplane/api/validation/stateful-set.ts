import { equalJson } from "../schema/equal.ts";
import type { StatefulSet, StatefulSetSpec } from "../types/apps/stateful-set.ts";
import {
  amountOf,
  validateAtMost100Percent,
  validateCountOrPercent,
  validateNotNegative,
  validateOptionalOneOf,
} from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isDNS1123Label } from "./formats.ts";
import { validateReplicatedTemplate, validateSelector } from "./workloads.ts";

export function validateStatefulSet({ spec }: StatefulSet, errors: FieldErrors): void {
  const { podManagementPolicy: policy, persistentVolumeClaimRetentionPolicy: retention } = spec;
  if (!policy) errors.required("spec.podManagementPolicy");
  else if (policy !== "OrderedReady" && policy !== "Parallel") {
    errors.invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'");
  }
  validateUpdateStrategy(spec, errors);
  for (const name of ["whenDeleted", "whenScaled"] as const) {
    const field = `spec.persistentVolumeClaimRetentionPolicy.${name}`;
    validateOptionalOneOf(retention?.[name], ["Retain", "Delete"], field, errors);
  }
  validateNotNegative(spec.replicas, "spec.replicas", errors);
  validateNotNegative(spec.minReadySeconds, "spec.minReadySeconds", errors);
  validateNotNegative(spec.ordinals?.start, "spec.ordinals.start", errors);
  validateSelector(spec.selector, "statefulset", errors);
  validateReplicatedTemplate(spec.template, spec.selector, "StatefulSet", errors);
}

/** Pods are found by `name.service`: a service name that is no label never resolves. Older objects may have one. */
export function validateStatefulSetCreate({ spec }: StatefulSet, errors: FieldErrors): void {
  if (spec.serviceName) errors.invalidEach("spec.serviceName", spec.serviceName, isDNS1123Label(spec.serviceName));
}

function validateUpdateStrategy({ updateStrategy }: StatefulSetSpec, errors: FieldErrors): void {
  const field = "spec.updateStrategy";
  const { type, rollingUpdate } = updateStrategy ?? {};
  if (!type) errors.required(field);
  else if (type === "OnDelete") {
    const rule = "only allowed for updateStrategy 'RollingUpdate'";
    if (rollingUpdate !== undefined) errors.invalid(`${field}.rollingUpdate`, rollingUpdate, rule);
  } else if (type !== "RollingUpdate") {
    errors.invalid(field, updateStrategy, "must be 'RollingUpdate' or 'OnDelete'");
  } else if (rollingUpdate !== undefined) {
    validateNotNegative(rollingUpdate.partition, `${field}.rollingUpdate.partition`, errors);
    const { maxUnavailable } = rollingUpdate;
    if (maxUnavailable === undefined) return;
    const at = `${field}.rollingUpdate.maxUnavailable`;
    validateCountOrPercent(maxUnavailable, at, errors);
    if (amountOf(maxUnavailable) === 0) errors.invalid(at, maxUnavailable, "cannot be 0");
    validateAtMost100Percent(maxUnavailable, at, errors);
  }
}

const changeable = [
  "replicas",
  "ordinals",
  "template",
  "updateStrategy",
  "revisionHistoryLimit",
  "persistentVolumeClaimRetentionPolicy",
  "minReadySeconds",
] as const;

export function validateStatefulSetUpdate(next: StatefulSet, old: StatefulSet, errors: FieldErrors): void {
  const fixed = ({ spec }: StatefulSet) => {
    const rest: Partial<StatefulSetSpec> = { ...spec };
    for (const name of changeable) delete rest[name];
    return rest;
  };
  if (equalJson(fixed(next), fixed(old))) return;
  const names = changeable.map((name) => `'${name}'`);
  const list = `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
  errors.forbidden("spec", `updates to statefulset spec for fields other than ${list} are forbidden`);
}

export function statefulSetWarnings({ spec }: StatefulSet): string[] {
  if ((spec.revisionHistoryLimit ?? 0) >= 0) return [];
  return ["spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"];
}
