import type { Plugin } from "../framework/plugin.ts";

/** Higher priority first, then who has waited longer. */
export const prioritySort: Plugin = {
  name: "PrioritySort",
  compare: (a, b) => b.pod.priority - a.pod.priority || a.since - b.since,
};
