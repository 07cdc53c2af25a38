import { millisecondsOf } from "../schema/time.ts";
import type { Deployment } from "../types/apps/deployment.ts";
import type { ReplicaSet } from "../types/apps/replica-set.ts";
import type { Job } from "../types/batch/job.ts";
import { ageColumn, type Column, column, nameColumn, podTemplateColumns } from "./column.ts";
import { humanDuration } from "./duration.ts";

export const deploymentColumns: readonly Column<Deployment>[] = [
  nameColumn,
  column("Ready", "Pods that are ready, of those wanted.", ({ spec, status }) => {
    return `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`;
  }),
  column("Up-to-date", "Pods made from the current template.", ({ status }) => status?.updatedReplicas ?? 0),
  column("Available", "Pods that have been ready for long enough.", ({ status }) => status?.availableReplicas ?? 0),
  ageColumn,
  ...podTemplateColumns<Deployment>(
    ({ spec }) => spec.template.spec?.containers ?? [],
    ({ spec }) => spec.selector,
  ),
];

export const replicaSetColumns: readonly Column<ReplicaSet>[] = [
  nameColumn,
  column("Desired", "Pods wanted.", ({ spec }) => spec.replicas ?? 0, "integer"),
  column("Current", "Pods there are.", ({ status }) => status?.replicas ?? 0, "integer"),
  column("Ready", "Pods that are ready.", ({ status }) => status?.readyReplicas ?? 0, "integer"),
  ageColumn,
  ...podTemplateColumns<ReplicaSet>(
    ({ spec }) => spec.template?.spec?.containers ?? [],
    ({ spec }) => spec.selector,
  ),
];

export const jobColumns: readonly Column<Job>[] = [
  nameColumn,
  column("Status", "Whether it runs, or how it ended.", jobStatus),
  column("Completions", "Pods that succeeded, of those wanted.", completions),
  column("Duration", "How long it ran, or has been running.", ({ status }, now) => {
    const start = millisecondsOf(status?.startTime);
    return start === undefined ? "" : humanDuration((millisecondsOf(status?.completionTime) ?? now) - start);
  }),
  ageColumn,
  ...podTemplateColumns<Job>(
    ({ spec }) => spec.template.spec?.containers ?? [],
    ({ spec }) => spec.selector,
  ),
];

function jobStatus({ metadata, status }: Job): string {
  const holds = (type: string) => status?.conditions?.some((c) => c.type === type && c.status === "True");
  if (holds("Complete")) return "Complete";
  if (holds("Failed")) return "Failed";
  if (metadata.deletionTimestamp !== undefined) return "Terminating";
  return ["Suspended", "FailureTarget", "SuccessCriteriaMet"].find(holds) ?? "Running";
}

function completions({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0;
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`;
  // A work queue: one success ends it, however many work on it.
  return (spec.parallelism ?? 1) > 1 ? `${succeeded}/1 of ${spec.parallelism}` : `${succeeded}/1`;
}
