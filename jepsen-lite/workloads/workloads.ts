import { lease } from "./lease.ts";
import { listAppend } from "./list-append.ts";
import { register } from "./register.ts";
import { set } from "./set.ts";
import { store } from "./store.ts";
import type { WorkloadDefinition } from "./workload.ts";

/** By name. */
export const workloads: Readonly<Record<string, WorkloadDefinition>> = Object.fromEntries(
  [register, listAppend, set, lease, store].map((workload) => [workload.name, workload]),
);
