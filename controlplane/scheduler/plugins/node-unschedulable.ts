import { tolerates } from "../../api/mod.ts";
import type { FilterPlugin } from "../framework.ts";

const unschedulableTaint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;

/** A cordoned node takes only pods that tolerate it. */
export const nodeUnschedulable: FilterPlugin = {
  name: "NodeUnschedulable",
  filter(pod, node) {
    if (node.node.spec?.unschedulable !== true || tolerates(pod.tolerations, unschedulableTaint)) return undefined;
    return { reasons: ["node(s) were unschedulable"], unresolvable: true };
  },
  mayHelp(event) {
    if (event.kind === "NodeAdd") return event.node.spec?.unschedulable !== true;
    return (
      event.kind === "NodeUpdate" && event.old.spec?.unschedulable === true && event.node.spec?.unschedulable !== true
    );
  },
};
