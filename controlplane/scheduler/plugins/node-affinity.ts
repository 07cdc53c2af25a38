import { matchesNodeSelector, matchesNodeSelectorTerm, type Node } from "../../api/mod.ts";
import { type FilterPlugin, normalizeToMax, type ScorePlugin } from "../framework.ts";
import type { PodInfo } from "../pod-info.ts";

/** Whether spec.nodeSelector and the required node affinity allow the node. */
function allowsNode(pod: PodInfo, node: Node): boolean {
  const labels = node.metadata.labels ?? {};
  const { nodeSelector = {}, affinity } = pod.pod.spec ?? {};
  if (Object.entries(nodeSelector).some(([key, value]) => labels[key] !== value)) return false;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || matchesNodeSelector(required, node);
}

export const nodeAffinityFilter: FilterPlugin = {
  name: "NodeAffinity",
  filter(pod, node) {
    if (allowsNode(pod, node.node)) return undefined;
    return { reasons: ["node(s) didn't match Pod's node affinity/selector"], unresolvable: true };
  },
  mayHelp(event, pod) {
    if (event.kind === "NodeAdd") return allowsNode(pod, event.node);
    return event.kind === "NodeUpdate" && !allowsNode(pod, event.old) && allowsNode(pod, event.node);
  },
};

/** The sum of the weights of the preferred terms that match. */
export const nodeAffinityScore: ScorePlugin = {
  name: "NodeAffinity",
  weight: 2,
  skip: (pod) => pod.preferredNodeTerms.length === 0,
  score(pod, node) {
    let sum = 0;
    for (const { weight, preference } of pod.preferredNodeTerms)
      if (matchesNodeSelectorTerm(preference, node.node)) sum += weight;
    return sum;
  },
  normalize: (scores) => normalizeToMax(scores, false),
};
