export { readConfiguration, type SchedulerConfiguration } from "./config/configuration.ts";
export type {
  Explanation,
  FilterVerdict,
  NodeScore,
  NodeVerdict,
  PluginScore,
} from "./explain.ts";
export { explainPod, filterPod, scorePod } from "./explain.ts";
export type { Profile } from "./framework/framework.ts";
export type { ClusterObjects } from "./objects.ts";
export { defaultProfile, type PluginArgs } from "./profile.ts";
export { type RunningScheduler, type StartSchedulerOptions, startScheduler } from "./start.ts";
