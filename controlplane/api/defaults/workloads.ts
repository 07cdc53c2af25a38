import type { Deployment } from "../types/apps/deployment.ts";
import type { ReplicaSet } from "../types/apps/replica-set.ts";
import type { Job } from "../types/batch/job.ts";
import { defaultPodSpec } from "./pod-spec.ts";

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
  if (spec.template.spec !== undefined) defaultPodSpec(spec.template.spec);
}

export function defaultReplicaSet({ spec }: ReplicaSet): void {
  spec.replicas ??= 1;
  if (spec.template?.spec !== undefined) defaultPodSpec(spec.template.spec);
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
  if (spec.template.spec !== undefined) defaultPodSpec(spec.template.spec);
}
