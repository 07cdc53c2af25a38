export { type Judgement, judge, type Workload, type WorkloadConfig, workloads } from "./workloads.ts";
