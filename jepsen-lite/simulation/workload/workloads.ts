import type { WorkloadName } from "../parameters.ts";
import { append } from "./append.ts";
import { lease } from "./lease.ts";
import { register } from "./register.ts";
import { set } from "./set.ts";
import { store } from "./store.ts";
import type { Workload, WorkloadContext } from "./workload.ts";

/** By name. */
export const workloads: Readonly<Record<WorkloadName, (context: WorkloadContext) => Workload>> = {
  register,
  append,
  set,
  lease,
  store,
};
