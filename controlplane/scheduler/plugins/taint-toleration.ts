import { tolerates } from "../../api/mod.ts";
import { type FilterPlugin, normalizeToMax, type ScorePlugin } from "../framework.ts";

/** NoSchedule and NoExecute taints keep pods away unless tolerated. */
export const taintTolerationFilter: FilterPlugin = {
  name: "TaintToleration",
  filter(pod, node) {
    for (const taint of node.node.spec?.taints ?? []) {
      if (taint.effect === "PreferNoSchedule" || tolerates(pod.tolerations, taint)) continue;
      return { reasons: [`node(s) had untolerated taint {${taint.key}: ${taint.value ?? ""}}`], unresolvable: true };
    }
    return undefined;
  },
  mayHelp(event) {
    if (event.kind === "NodeAdd") return true;
    return (
      event.kind === "NodeUpdate" && JSON.stringify(event.old.spec?.taints) !== JSON.stringify(event.node.spec?.taints)
    );
  },
};

/** Fewer untolerated PreferNoSchedule taints are better. */
export const taintTolerationScore: ScorePlugin = {
  name: "TaintToleration",
  weight: 3,
  score(pod, node) {
    const soft = pod.tolerations.filter((toleration) => !toleration.effect || toleration.effect === "PreferNoSchedule");
    const taints = node.node.spec?.taints ?? [];
    return taints.filter((taint) => taint.effect === "PreferNoSchedule" && !tolerates(soft, taint)).length;
  },
  normalize: (scores) => normalizeToMax(scores, true),
};
