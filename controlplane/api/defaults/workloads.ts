import type { DaemonSet } from "../types/apps/daemon-set.ts";
import type { Deployment } from "../types/apps/deployment.ts";
import type { ReplicaSet } from "../types/apps/replica-set.ts";
import type { StatefulSet } from "../types/apps/stateful-set.ts";
import type { CronJob } from "../types/batch/cron-job.ts";
import type { Job } from "../types/batch/job.ts";
import type { PodTemplate, PodTemplateSpec } from "../types/core/pod-template.ts";
import type { ReplicationController } from "../types/core/replication-controller.ts";
import { defaultPodSpec } from "./pod-spec.ts";
import { defaultPersistentVolumeClaim } from "./storage.ts";

const maxInt32 = 2 ** 31 - 1;

export function defaultDeployment({ spec }: Deployment): void {
  spec.replicas ??= 1;
  spec.strategy ??= {};
  spec.strategy.type ??= "RollingUpdate";
  if (spec.strategy.type === "RollingUpdate") {
    spec.strategy.rollingUpdate ??= {};
    spec.strategy.rollingUpdate.maxUnavailable ??= "25%";
    spec.strategy.rollingUpdate.maxSurge ??= "25%";
  }
  spec.revisionHistoryLimit ??= 10;
  spec.progressDeadlineSeconds ??= 600;
  defaultTemplate(spec.template);
}

export function defaultReplicaSet({ spec }: ReplicaSet): void {
  spec.replicas ??= 1;
  defaultTemplate(spec.template);
}

export function defaultStatefulSet({ spec }: StatefulSet): void {
  spec.podManagementPolicy ??= "OrderedReady";
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ??= "RollingUpdate";
  if (spec.updateStrategy.type === "RollingUpdate") {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.partition ??= 0;
  }
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ??= "Retain";
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ??= "Retain";
  for (const claim of spec.volumeClaimTemplates ?? []) {
    // The one place where an object stands whole inside another: it says what it is.
    claim.kind = "PersistentVolumeClaim";
    claim.apiVersion = "v1";
    defaultPersistentVolumeClaim(claim);
  }
  defaultTemplate(spec.template);
}

export function defaultDaemonSet({ spec }: DaemonSet): void {
  spec.updateStrategy ??= {};
  spec.updateStrategy.type ??= "RollingUpdate";
  if (spec.updateStrategy.type === "RollingUpdate") {
    spec.updateStrategy.rollingUpdate ??= {};
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1;
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0;
  }
  spec.revisionHistoryLimit ??= 10;
  defaultTemplate(spec.template);
}

/** The oldest of the workloads takes its selector and its own labels from the template. */
export function defaultReplicationController({ spec, metadata }: ReplicationController): void {
  const labels = spec.template?.metadata?.labels;
  if (labels !== undefined) {
    if (Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels };
    if (Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels };
  }
  spec.replicas ??= 1;
  defaultTemplate(spec.template);
}

export function defaultPodTemplate({ template }: PodTemplate): void {
  defaultTemplate(template);
}

export function defaultCronJob({ spec }: CronJob): void {
  spec.concurrencyPolicy ??= "Allow";
  spec.suspend ??= false;
  spec.successfulJobsHistoryLimit ??= 3;
  spec.failedJobsHistoryLimit ??= 1;
  // What a Job's own fields default to is left to the Jobs it makes.
  defaultTemplate(spec.jobTemplate.spec?.template);
}

function defaultTemplate(template: PodTemplateSpec | undefined): void {
  if (template?.spec !== undefined) defaultPodSpec(template.spec);
}

export function defaultJob(job: Job): void {
  const { spec, metadata } = job;
  // Parallelism alone describes a work queue: any success is the end, so completions stays unset.
  if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1;
  spec.parallelism ??= 1;
  spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : maxInt32;
  spec.completionMode ??= "NonIndexed";
  spec.suspend ??= false;
  spec.manualSelector ??= false;
  spec.podReplacementPolicy ??= spec.podFailurePolicy === undefined ? "TerminatingOrFailed" : "Failed";
  const labels = spec.template.metadata?.labels;
  if (metadata.labels === undefined && labels !== undefined) metadata.labels = { ...labels };
  defaultTemplate(spec.template);
}
