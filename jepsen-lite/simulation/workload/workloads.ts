import type { WorkloadName } from "../parameters.ts";
import { register } from "./register.ts";
import type { Workload, WorkloadContext } from "./workload.ts";

/** By name. */
export const workloads = {
  register,
} satisfies Partial<Record<WorkloadName, (context: WorkloadContext) => Workload>>;
