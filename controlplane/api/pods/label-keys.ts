import type { PodAffinityTerm } from "../types/core/affinity.ts";
import type { Pod } from "../types/core/pod.ts";

/**
 * Terms of pod affinity may name labels whose values are the pod's own. What those are is known now, and written into the selectors,
 * so that nobody who reads them needs to know the pod they came from.
 */
export function selectByOwnLabels({ metadata, spec }: Pod): void {
  for (const affinity of [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity]) {
    const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    const preferred = affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    for (const term of [...required, ...preferred.map(({ podAffinityTerm }) => podAffinityTerm)]) {
      select(term, metadata.labels ?? {});
    }
  }
}

function select(term: PodAffinityTerm, labels: Readonly<Record<string, string>>): void {
  const { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] } = term;
  if (labelSelector === undefined) return;
  const requirements = [
    ...matchLabelKeys.map((key) => ({ key, operator: "In" as const })),
    ...mismatchLabelKeys.map((key) => ({ key, operator: "NotIn" as const })),
  ].flatMap(({ key, operator }) => {
    const value = labels[key];
    return value === undefined ? [] : [{ key, operator, values: [value] }];
  });
  if (requirements.length === 0) return;
  labelSelector.matchExpressions = [...(labelSelector.matchExpressions ?? []), ...requirements];
}
