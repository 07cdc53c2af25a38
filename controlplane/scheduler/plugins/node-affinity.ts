import {
  equalJson,
  matchesNodeSelector,
  matchesNodeSelectorTerm,
  type Node,
  type NodeAffinity,
  type Pod,
} from "../../api/mod.ts";
import { normalizeToMax, type Plugin } from "../framework/plugin.ts";

export interface NodeAffinityArgs {
  /** Holds for every pod of the profile, besides what the pod itself says. */
  readonly addedAffinity?: NodeAffinity;
}

function matchesRequired(affinity: NodeAffinity | undefined, node: Node): boolean {
  const required = affinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || matchesNodeSelector(required, node);
}

/** Whether spec.nodeSelector and the required node affinity allow the node. */
export function allowsNode(pod: Pod, node: Node): boolean {
  const { nodeSelector, affinity } = pod.spec ?? {};
  const labels = node.metadata.labels ?? {};
  for (const key in nodeSelector) if (labels[key] !== nodeSelector[key]) return false;
  return matchesRequired(affinity?.nodeAffinity, node);
}

/** Nodes by name that the required terms leave, when every term has `metadata.name In`: a DaemonSet's pods name theirs so. */
function namedNodes(pod: Pod): Set<string> | undefined {
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined || required.nodeSelectorTerms.length === 0) return undefined;
  const names = new Set<string>();
  for (const { matchFields = [] } of required.nodeSelectorTerms) {
    let ofTerm: Set<string> | undefined;
    for (const { key, operator, values = [] } of matchFields) {
      if (key !== "metadata.name" || operator !== "In") continue;
      const these = new Set(values);
      ofTerm = ofTerm === undefined ? these : ofTerm.intersection(these);
    }
    if (ofTerm === undefined) return undefined;
    for (const name of ofTerm) names.add(name);
  }
  return names;
}

/**
 * spec.nodeSelector and required terms must match. Score: the sum of the weights of the preferred terms that match, normalised to its
 * maximum (plugins/nodeaffinity).
 */
export function nodeAffinity({ addedAffinity }: NodeAffinityArgs = {}): Plugin {
  const added = addedAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  const admits = (pod: Pod, node: Node) => matchesRequired(addedAffinity, node) && allowsNode(pod, node);
  return {
    name: "NodeAffinity",
    preFilter({ pod }) {
      const wanted = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
      if (wanted === undefined && pod.spec?.nodeSelector === undefined && addedAffinity === undefined) return "skip";
      const nodes = namedNodes(pod);
      if (nodes === undefined) return undefined;
      if (nodes.size === 0) return { reasons: ["pod affinity terms conflict"], unresolvable: true };
      return { nodes };
    },
    filter({ pod }, { node }) {
      if (!matchesRequired(addedAffinity, node)) {
        return { reasons: ["node(s) didn't match scheduler-enforced node affinity"], unresolvable: true };
      }
      if (allowsNode(pod, node)) return undefined;
      return { reasons: ["node(s) didn't match Pod's node affinity/selector"], unresolvable: true };
    },
    signature: ({ pod }) => [pod.spec?.nodeSelector, pod.spec?.affinity?.nodeAffinity],
    preScore: (pod) => (pod.preferredNodeTerms.length === 0 && added.length === 0 ? "skip" : undefined),
    score(pod, { node }) {
      let sum = 0;
      for (const terms of [added, pod.preferredNodeTerms]) {
        for (const { weight, preference } of terms) if (matchesNodeSelectorTerm(preference, node)) sum += weight;
      }
      return sum;
    },
    normalize: (scores) => normalizeToMax(scores, false),
    events: new Set(["NodeAdd", "NodeUpdate", "PodUpdate"]),
    mayHelp(event, { pod }) {
      switch (event.kind) {
        case "NodeAdd":
          return admits(pod, event.node);
        case "NodeUpdate":
          return !admits(pod, event.old) && admits(pod, event.node);
        case "PodUpdate":
          // Both may change while gates hold the pod.
          return (
            !equalJson(event.old.spec?.nodeSelector, event.pod.spec?.nodeSelector) ||
            !equalJson(event.old.spec?.affinity?.nodeAffinity, event.pod.spec?.affinity?.nodeAffinity)
          );
        default:
          return false;
      }
    },
  };
}
