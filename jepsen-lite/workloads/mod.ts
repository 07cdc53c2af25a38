// Tests of a store, each one definition for all who run it: `workloads.register`.
export { chanceOf } from "./chance.ts";
export { type Judgement, judge } from "./judge.ts";
export { live } from "./live.ts";
export type {
  Chance,
  Dump,
  Workload,
  WorkloadClient,
  WorkloadConfig,
  WorkloadContext,
  WorkloadDefinition,
} from "./workload.ts";
export { workloads } from "./workloads.ts";
