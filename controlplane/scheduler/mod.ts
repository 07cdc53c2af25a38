export type { Refusal } from "./find-node.ts";
export { enoughFeasibleNodes, filterNode, scoreNodes } from "./find-node.ts";
export type { ClusterEvent, ClusterFacts, FilterPlugin, Rejection, ScorePlugin } from "./framework.ts";
export { NodeInfo } from "./node-info.ts";
export { filterPlugins, scorePlugins } from "./plugins/mod.ts";
export { type PodInfo, podInfo } from "./pod-info.ts";
export { type RunningScheduler, type StartSchedulerOptions, startScheduler } from "./start.ts";
