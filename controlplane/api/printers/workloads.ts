import { millisecondsOf } from "../schema/time.ts";
import type { ControllerRevision } from "../types/apps/controller-revision.ts";
import type { DaemonSet } from "../types/apps/daemon-set.ts";
import type { Deployment } from "../types/apps/deployment.ts";
import type { ReplicaSet } from "../types/apps/replica-set.ts";
import type { StatefulSet } from "../types/apps/stateful-set.ts";
import type { CronJob } from "../types/batch/cron-job.ts";
import type { Job } from "../types/batch/job.ts";
import type { PodTemplate, PodTemplateSpec } from "../types/core/pod-template.ts";
import type { ReplicationController } from "../types/core/replication-controller.ts";
import {
  age,
  ageColumn,
  type Column,
  column,
  labelsText,
  nameColumn,
  none,
  podTemplateColumns,
  wide,
} from "./column.ts";
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

const containersOf = (template: PodTemplateSpec | undefined) => template?.spec?.containers ?? [];

export const statefulSetColumns: readonly Column<StatefulSet>[] = [
  nameColumn,
  column("Ready", "Pods that are ready, of those wanted.", ({ spec, status }) => {
    return `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`;
  }),
  ageColumn,
  ...podTemplateColumns<StatefulSet>(({ spec }) => containersOf(spec.template)).slice(0, 2),
];

export const daemonSetColumns: readonly Column<DaemonSet>[] = [
  nameColumn,
  column("Desired", "Nodes that should run a pod.", ({ status }) => status?.desiredNumberScheduled ?? 0, "integer"),
  column("Current", "Nodes that have one.", ({ status }) => status?.currentNumberScheduled ?? 0, "integer"),
  column("Ready", "Nodes with one that is ready.", ({ status }) => status?.numberReady ?? 0, "integer"),
  column("Up-to-date", "Nodes with the current one.", ({ status }) => status?.updatedNumberScheduled ?? 0, "integer"),
  column("Available", "Nodes with one ready for long enough.", ({ status }) => status?.numberAvailable ?? 0, "integer"),
  column("Node Selector", "Labels of the nodes that should.", (d) => labelsText(d.spec.template.spec?.nodeSelector)),
  ageColumn,
  ...podTemplateColumns<DaemonSet>(
    ({ spec }) => containersOf(spec.template),
    ({ spec }) => spec.selector,
  ),
];

export const controllerRevisionColumns: readonly Column<ControllerRevision>[] = [
  nameColumn,
  column("Controller", "What it is a revision of.", controllerOf),
  column("Revision", "Its number: the highest is the newest.", ({ revision }) => revision),
  ageColumn,
];

function controllerOf({ metadata }: ControllerRevision): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  if (owner === undefined) return none;
  const [group, version] = owner.apiVersion.split("/");
  return `${owner.kind}${version === undefined ? "" : `.${group}`}`.toLowerCase().concat("/", owner.name);
}

export const replicationControllerColumns: readonly Column<ReplicationController>[] = [
  nameColumn,
  column("Desired", "Pods wanted.", ({ spec }) => spec.replicas ?? 0, "integer"),
  column("Current", "Pods there are.", ({ status }) => status?.replicas ?? 0, "integer"),
  column("Ready", "Pods that are ready.", ({ status }) => status?.readyReplicas ?? 0, "integer"),
  ageColumn,
  ...podTemplateColumns<ReplicationController>(({ spec }) => containersOf(spec.template)).slice(0, 2),
  wide(column("Selector", "Labels of the pods it owns.", ({ spec }) => labelsText(spec.selector))),
];

export const podTemplateObjectColumns: readonly Column<PodTemplate>[] = [
  nameColumn,
  ...podTemplateColumns<PodTemplate>(({ template }) => containersOf(template))
    .slice(0, 2)
    .map((shown) => ({ ...shown, priority: 0 })),
  column("Pod Labels", "Labels of its pods.", ({ template }) => labelsText(template?.metadata?.labels)),
];

export const cronJobColumns: readonly Column<CronJob>[] = [
  nameColumn,
  column("Schedule", "When it starts Jobs.", ({ spec }) => spec.schedule),
  column("Timezone", "Whose clock that is.", ({ spec }) => spec.timeZone ?? none),
  column("Suspend", "Whether it pauses.", ({ spec }) => (spec.suspend ? "True" : "False"), "boolean"),
  column("Active", "Jobs that run.", ({ status }) => status?.active?.length ?? 0, "integer"),
  column("Last Schedule", "Time since it last started one.", ({ status }, now) => {
    return status?.lastScheduleTime === undefined ? none : age(status.lastScheduleTime, now);
  }),
  ageColumn,
  ...podTemplateColumns<CronJob>(
    ({ spec }) => containersOf(spec.jobTemplate.spec?.template),
    ({ spec }) => spec.jobTemplate.spec?.selector,
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
