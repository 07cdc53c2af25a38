import type { Plugin } from "../framework/plugin.ts";

/** A pod with gates waits until somebody has taken all of them away; it does not even count as unschedulable. */
export const schedulingGates: Plugin = {
  name: "SchedulingGates",
  preEnqueue({ pod }) {
    const gates = pod.spec?.schedulingGates ?? [];
    if (gates.length === 0) return undefined;
    return `waiting for scheduling gates: [${gates.map(({ name }) => name).join(" ")}]`;
  },
  events: new Set(["PodUpdate"]),
  mayHelp: (event) => event.kind === "PodUpdate" && (event.pod.spec?.schedulingGates ?? []).length === 0,
};
