import type { Plugin } from "../framework/plugin.ts";

/** A pod that names its node fits there only. */
export const nodeName: Plugin = {
  name: "NodeName",
  filter(pod, node) {
    const wanted = pod.pod.spec?.nodeName;
    if (wanted === undefined || wanted === "" || wanted === node.name) return undefined;
    return { reasons: ["node(s) didn't match the requested node name"], unresolvable: true };
  },
  signature: ({ pod }) => pod.spec?.nodeName,
  events: new Set(["NodeAdd"]),
  mayHelp: (event, pod) => event.kind === "NodeAdd" && event.node.metadata.name === pod.pod.spec?.nodeName,
};
