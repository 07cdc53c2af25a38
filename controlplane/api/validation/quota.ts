import { Quantity } from "../quantity/quantity.ts";
import { equalJson } from "../schema/equal.ts";
import type { LimitRange, LimitRangeItem, ResourceQuota } from "../types/core/quota.ts";
import type { ScopedResourceSelectorRequirement } from "../types/core/selector.ts";
import { validateQuantityNotNegative } from "./common.ts";
import type { FieldErrors } from "./field-errors.ts";
import { isQualifiedName } from "./formats.ts";
import { validateImmutable } from "./metadata.ts";

const compute = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];
const counted = [
  "pods",
  "resourcequotas",
  "services",
  "replicationcontrollers",
  "secrets",
  "persistentvolumeclaims",
  "configmaps",
  "services.nodeports",
  "services.loadbalancers",
];
const standard: ReadonlySet<string> = new Set([
  ...compute,
  ...counted,
  "ephemeral-storage",
  "requests.storage",
  "requests.ephemeral-storage",
  "limits.ephemeral-storage",
]);

function isStandard(name: string): boolean {
  return standard.has(name) || /^(requests\.)?hugepages-/.test(name);
}

/** Which standard resources each scope can narrow. */
const scopes: Readonly<Record<string, ReadonlySet<string>>> = {
  BestEffort: new Set(["pods"]),
  NotBestEffort: new Set(["pods", ...compute]),
  Terminating: new Set(["pods", ...compute]),
  NotTerminating: new Set(["pods", ...compute]),
  PriorityClass: new Set(["pods", ...compute]),
  CrossNamespacePodAffinity: new Set(["pods", ...compute]),
  VolumeAttributesClass: new Set(["persistentvolumeclaims", "requests.storage"]),
};

export function validateResourceQuota({ spec }: ResourceQuota, errors: FieldErrors): void {
  const hard = Object.entries(spec.hard ?? {});
  validateAmounts(hard, "spec.hard", errors);
  const names = hard.map(([name]) => name);
  validateScopes(spec.scopes ?? [], names, errors);
  for (const requirement of spec.scopeSelector?.matchExpressions ?? []) validateRequirement(requirement, names, errors);
}

function validateAmounts(amounts: readonly [string, string][], field: string, errors: FieldErrors): void {
  for (const [name, amount] of amounts) {
    const at = `${field}[${name}]`;
    errors.invalidEach(at, name, isQualifiedName(name));
    if (!name.includes("/") && !isStandard(name)) errors.invalid(at, name, "must be a standard resource for quota");
    validateQuantityNotNegative(amount, at, errors);
    const isCount = counted.includes(name) || name.startsWith("count/");
    if (isCount && !isInteger(amount)) errors.invalid(at, amount, "must be an integer");
  }
}

function isInteger(amount: string): boolean {
  const quantity = Quantity.of(amount);
  return quantity.compare(Quantity.of(String(quantity.value()))) === 0;
}

function narrows(scope: string, resource: string): boolean {
  return !isStandard(resource) || (scopes[scope]?.has(resource) ?? false);
}

const conflicts = [
  ["BestEffort", "NotBestEffort"],
  ["Terminating", "NotTerminating"],
] as const;

function validateScopes(given: readonly string[], names: readonly string[], errors: FieldErrors): void {
  const field = "spec.scopes";
  for (const scope of given) {
    if (!Object.hasOwn(scopes, scope)) errors.invalid(field, given, "unsupported scope");
    for (const name of names) {
      if (!narrows(scope, name)) errors.invalid(field, given, "unsupported scope applied to resource");
    }
  }
  for (const pair of conflicts) {
    if (pair.every((scope) => given.includes(scope))) errors.invalid(field, given, "conflicting scopes");
  }
}

function validateRequirement(
  requirement: ScopedResourceSelectorRequirement,
  names: readonly string[],
  errors: FieldErrors,
): void {
  const field = "spec.scopeSelector.matchExpressions";
  const { scopeName, operator, values = [] } = requirement;
  if (!Object.hasOwn(scopes, scopeName)) errors.invalid(`${field}.scopeName`, scopeName, "unsupported scope");
  for (const name of names) {
    if (!narrows(scopeName, name)) errors.invalid(field, requirement, "unsupported scope applied to resource");
  }
  const takesValues = scopeName === "PriorityClass" || scopeName === "VolumeAttributesClass";
  if (!takesValues && operator !== "Exists") {
    const rule =
      "must be 'Exist' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
    errors.invalid(`${field}.operator`, operator, rule);
  }
  if (operator === "In" || operator === "NotIn") {
    const rule = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
    if (values.length === 0) errors.required(`${field}.values`, rule);
  } else if (operator === "Exists" || operator === "DoesNotExist") {
    const rule = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
    if (values.length > 0) errors.invalid(`${field}.values`, values, rule);
  } else errors.invalid(`${field}.operator`, operator, "not a valid selector operator");
}

/** What a quota is about decides what was counted: only its amounts may change. */
export function validateResourceQuotaUpdate(next: ResourceQuota, old: ResourceQuota, errors: FieldErrors): void {
  const sorted = ({ spec }: ResourceQuota) => [...new Set(spec.scopes ?? [])].sort();
  if (!equalJson(sorted(next), sorted(old))) {
    validateImmutable(next.spec.scopes ?? null, old.spec.scopes ?? null, "spec.scopes", errors);
  }
}

export function validateResourceQuotaStatus({ status }: ResourceQuota, _: ResourceQuota, errors: FieldErrors): void {
  validateAmounts(Object.entries(status?.hard ?? {}), "status.hard", errors);
  validateAmounts(Object.entries(status?.used ?? {}), "status.used", errors);
}

const limitTypes = ["Pod", "Container", "PersistentVolumeClaim"];

export function validateLimitRange({ spec }: LimitRange, errors: FieldErrors): void {
  const seen = new Set<string>();
  for (const [index, item] of (spec.limits ?? []).entries()) {
    const at = `spec.limits[${index}]`;
    errors.invalidEach(`${at}.type`, item.type, isQualifiedName(item.type));
    if (!item.type.includes("/") && !limitTypes.includes(item.type)) {
      errors.invalid(`${at}.type`, item.type, "must be a standard limit type or fully qualified");
    }
    if (seen.has(item.type)) errors.duplicate(`${at}.type`, item.type);
    seen.add(item.type);
    validateItem(item, at, errors);
  }
}

function validateItem(item: LimitRangeItem, at: string, errors: FieldErrors): void {
  const { type, min = {}, max = {}, default: limits = {}, defaultRequest = {}, maxLimitRequestRatio = {} } = item;
  if (type === "Pod") {
    for (const name of ["default", "defaultRequest"] as const) {
      if (item[name] !== undefined) errors.forbidden(`${at}.${name}`, "may not be specified when `type` is 'Pod'");
    }
  }
  if (type === "PersistentVolumeClaim" && min.storage === undefined && max.storage === undefined) {
    errors.required(at, "either minimum or maximum storage value is required, but neither was provided");
  }
  const all = [min, max, limits, defaultRequest, maxLimitRequestRatio];
  for (const key of [...new Set(all.flatMap((amounts) => Object.keys(amounts)))].sort()) {
    const notAbove = (low: [string, string?], high: [string, string?], path: string, shown: string | undefined) => {
      const [lowName, lowest] = low;
      const [highName, highest] = high;
      if (lowest === undefined || highest === undefined) return;
      if (Quantity.of(lowest).compare(Quantity.of(highest)) <= 0) return;
      const rule = `${lowName} value ${lowest} is greater than ${highName} value ${highest}`;
      errors.invalid(`${at}.${path}[${key}]`, shown, rule);
    };
    const [lowest, highest, limit, request] = [min[key], max[key], limits[key], defaultRequest[key]];
    notAbove(["min", lowest], ["max", highest], "min", lowest);
    notAbove(["min", lowest], ["default request", request], "defaultRequest", request);
    notAbove(["default request", request], ["max", highest], "defaultRequest", request);
    notAbove(["default request", request], ["default limit", limit], "defaultRequest", request);
    notAbove(["min", lowest], ["default", limit], "default", lowest);
    notAbove(["default", limit], ["max", highest], "default", highest);
    const ratio = maxLimitRequestRatio[key];
    if (ratio !== undefined)
      validateRatio(ratio, { min: lowest, max: highest }, `${at}.maxLimitRequestRatio[${key}]`, errors);
  }
}

function validateRatio(
  ratio: string,
  { min, max }: { readonly min: string | undefined; readonly max: string | undefined },
  field: string,
  errors: FieldErrors,
): void {
  if (Quantity.of(ratio).compare(Quantity.of("1")) < 0) errors.invalid(field, ratio, `ratio ${ratio} is less than 1`);
  if (min === undefined || max === undefined) return;
  const bound = milli(max) / milli(min);
  if (milli(ratio) / 1000 > bound) {
    errors.invalid(field, ratio, `ratio ${ratio} is greater than max/min = ${bound.toFixed(6)}`);
  }
}

const milli = (amount: string) => Number(Quantity.of(amount).nanos) / 1e6;
