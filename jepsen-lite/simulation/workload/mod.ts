export { live, type Workload, type WorkloadClient, type WorkloadContext } from "./workload.ts";
export { workloads } from "./workloads.ts";
