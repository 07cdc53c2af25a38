import { equalJson, type Taint, tolerates } from "../../api/mod.ts";
import { StateKey } from "../framework/cycle-state.ts";
import { normalizeToMax, type Plugin } from "../framework/plugin.ts";
import type { PodInfo } from "../pod-info.ts";

/** The first taint that keeps the pod away. */
export function untolerated(pod: Pick<PodInfo, "tolerations">, taints: readonly Taint[] = []): Taint | undefined {
  if (taints.length === 0) return undefined;
  return taints.find((taint) => taint.effect !== "PreferNoSchedule" && !tolerates(pod.tolerations, taint));
}

/** Tolerations that count for soft taints. */
const softTolerations = new StateKey<PodInfo["tolerations"]>("TaintToleration.soft");

/**
 * NoSchedule and NoExecute taints keep pods away unless tolerated. Score: the number of PreferNoSchedule taints that are not tolerated,
 * normalised to its maximum and reversed: none is 100 (plugins/tainttoleration).
 */
export const taintToleration: Plugin = {
  name: "TaintToleration",
  filter(pod, node) {
    const taint = untolerated(pod, node.taints);
    if (taint === undefined) return undefined;
    return { reasons: [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`], unresolvable: true };
  },
  signature: (pod) => pod.tolerations,
  preScore(pod, _nodes, _cluster, state) {
    state.set(
      softTolerations,
      pod.tolerations.filter((toleration) => !toleration.effect || toleration.effect === "PreferNoSchedule"),
    );
    return undefined;
  },
  score(_pod, node, state) {
    if (node.taints.length === 0) return 0;
    const soft = state.get(softTolerations) ?? [];
    let count = 0;
    for (const taint of node.taints) if (taint.effect === "PreferNoSchedule" && !tolerates(soft, taint)) count++;
    return count;
  },
  normalize: (scores) => normalizeToMax(scores, true),
  events: new Set(["NodeAdd", "NodeUpdate", "PodUpdate"]),
  mayHelp(event, pod) {
    switch (event.kind) {
      case "NodeAdd":
        return untolerated(pod, event.node.spec?.taints) === undefined;
      case "NodeUpdate":
        return (
          untolerated(pod, event.old.spec?.taints) !== undefined &&
          untolerated(pod, event.node.spec?.taints) === undefined
        );
      case "PodUpdate":
        return !equalJson(event.old.spec?.tolerations, event.pod.spec?.tolerations);
      default:
        return false;
    }
  },
};
