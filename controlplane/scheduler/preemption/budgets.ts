import { matchesLabels, type PodDisruptionBudget } from "../../api/mod.ts";
import { selectorOf } from "../affinity-term.ts";
import type { PodInfo } from "../pod-info.ts";

/**
 * Splits pods into those whose loss would exceed a disruption budget and the others, both in the order given: the first pods of a budget use up
 * what it allows.
 */
export function splitByBudgets(
  pods: readonly PodInfo[],
  budgets: Iterable<PodDisruptionBudget>,
): { readonly violating: readonly PodInfo[]; readonly others: readonly PodInfo[] } {
  const open = [...budgets].map((budget) => ({
    namespace: budget.metadata.namespace,
    // An empty selector matches nothing here, as in the original.
    selector: selectorOf(budget.spec?.selector),
    disrupted: budget.status?.disruptedPods ?? {},
    allowed: budget.status?.disruptionsAllowed ?? 0,
  }));
  const violating: PodInfo[] = [];
  const others: PodInfo[] = [];
  for (const pod of pods) {
    let violates = false;
    for (const budget of open) {
      if (budget.namespace !== pod.namespace || budget.selector.length === 0) continue;
      if (Object.keys(pod.labels ?? {}).length === 0 || !matchesLabels(budget.selector, pod.labels)) continue;
      // The API server has counted it already.
      if (Object.hasOwn(budget.disrupted, pod.pod.metadata.name ?? "")) continue;
      budget.allowed--;
      if (budget.allowed < 0) violates = true;
    }
    (violates ? violating : others).push(pod);
  }
  return { violating, others };
}
