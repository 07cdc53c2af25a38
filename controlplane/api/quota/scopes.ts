import { qosClassOf } from "../pods/qos.ts";
import type { PersistentVolumeClaim } from "../types/core/persistent-volume-claim.ts";
import type { Pod } from "../types/core/pod.ts";
import type { PodSpec } from "../types/core/pod-spec.ts";
import type { ResourceQuota } from "../types/core/quota.ts";
import type { ScopedResourceSelectorRequirement } from "../types/core/selector.ts";

/** What a quota's scopes and scopeSelector ask of an object; every one of them must hold. */
export function scopesOf({ spec }: Pick<ResourceQuota, "spec">): ScopedResourceSelectorRequirement[] {
  const plain = (spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: "Exists" }));
  return [...plain, ...(spec.scopeSelector?.matchExpressions ?? [])];
}

/** Scopes that pods do not know match none. */
export function podInScope({ spec }: Pod, scope: ScopedResourceSelectorRequirement): boolean {
  switch (scope.scopeName) {
    case "Terminating":
      return (spec.activeDeadlineSeconds ?? -1) >= 0;
    case "NotTerminating":
      return (spec.activeDeadlineSeconds ?? -1) < 0;
    case "BestEffort":
      return qosClassOf(spec) === "BestEffort";
    case "NotBestEffort":
      return qosClassOf(spec) !== "BestEffort";
    case "PriorityClass":
      return selects(scope, spec.priorityClassName);
    case "CrossNamespacePodAffinity":
      return hasAffinityAcrossNamespaces(spec);
    default:
      return false;
  }
}

export function claimInScope(
  { spec, status }: PersistentVolumeClaim,
  scope: ScopedResourceSelectorRequirement,
): boolean {
  if (scope.scopeName !== "VolumeAttributesClass") return false;
  const names = [
    spec.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].filter(Boolean);
  // In the middle of a change a claim counts for every class it touches.
  return names.length === 0 ? selects(scope, undefined) : names.some((name) => selects(scope, name));
}

function selects({ operator, values = [] }: ScopedResourceSelectorRequirement, value: string | undefined): boolean {
  const given = value !== undefined && value !== "";
  switch (operator) {
    case "Exists":
      return given;
    case "DoesNotExist":
      return !given;
    case "In":
      return given && values.includes(value);
    case "NotIn":
      return !given || !values.includes(value);
    default:
      return false;
  }
}

function hasAffinityAcrossNamespaces({ affinity }: PodSpec): boolean {
  const terms = [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((kind) => [
    ...(kind?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(kind?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ]);
  return terms.some((term) => (term?.namespaces?.length ?? 0) > 0 || term?.namespaceSelector !== undefined);
}
