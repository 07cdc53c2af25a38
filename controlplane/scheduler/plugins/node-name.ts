import type { FilterPlugin } from "../framework.ts";

/** A pod that names its node fits there only. */
export const nodeName: FilterPlugin = {
  name: "NodeName",
  filter(pod, node) {
    const wanted = pod.pod.spec?.nodeName;
    if (wanted === undefined || wanted === "" || wanted === node.name) return undefined;
    return { reasons: ["node(s) didn't match the requested node name"], unresolvable: true };
  },
  mayHelp: (event) => event.kind === "NodeAdd",
};
