import { tolerates } from "../../api/mod.ts";
import type { Plugin } from "../framework/plugin.ts";

const unschedulableTaint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;

/** A cordoned node takes only pods that tolerate it. */
export const nodeUnschedulable: Plugin = {
  name: "NodeUnschedulable",
  filter(pod, node) {
    if (!node.unschedulable || tolerates(pod.tolerations, unschedulableTaint)) return undefined;
    return { reasons: ["node(s) were unschedulable"], unresolvable: true };
  },
  signature: (pod) => pod.tolerations,
  events: new Set(["NodeAdd", "NodeUpdate", "PodUpdate"]),
  mayHelp(event) {
    switch (event.kind) {
      case "NodeAdd":
        return event.node.spec?.unschedulable !== true;
      case "NodeUpdate":
        return event.old.spec?.unschedulable === true && event.node.spec?.unschedulable !== true;
      case "PodUpdate":
        return tolerates(event.pod.spec?.tolerations ?? [], unschedulableTaint);
      default:
        return false;
    }
  },
};
