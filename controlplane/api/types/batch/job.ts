import {
  always,
  atomic,
  boolean,
  doc,
  explicit,
  given,
  int32,
  int64,
  list,
  mergeBy,
  one,
  oneOf,
  packageOf,
  required,
  set,
  string,
  time,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { PodTemplateSpec } from "../core/pod-template.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta, TemplateMeta } from "../meta/object-meta.ts";
import { LabelSelector } from "../meta/selector.ts";

const { kind, message } = packageOf("io.k8s.api.batch.v1", "batch", "v1");

export const PodFailurePolicyOnExitCodesRequirement = message("PodFailurePolicyOnExitCodesRequirement", {
  containerName: string(1, explicit),
  operator: required(string(2)),
  values: required(list(3, int32, set)),
});
export interface PodFailurePolicyOnExitCodesRequirement extends Infer<typeof PodFailurePolicyOnExitCodesRequirement> {}

export const PodFailurePolicyOnPodConditionsPattern = message("PodFailurePolicyOnPodConditionsPattern", {
  type: required(string(1)),
  status: string(2),
});
export interface PodFailurePolicyOnPodConditionsPattern extends Infer<typeof PodFailurePolicyOnPodConditionsPattern> {}

export const PodFailurePolicyRule = message("PodFailurePolicyRule", {
  action: required(oneOf(1, ["FailJob", "FailIndex", "Ignore", "Count"])),
  onExitCodes: one<PodFailurePolicyOnExitCodesRequirement>(2, PodFailurePolicyOnExitCodesRequirement),
  onPodConditions: list<PodFailurePolicyOnPodConditionsPattern>(3, PodFailurePolicyOnPodConditionsPattern, atomic),
});
export interface PodFailurePolicyRule extends Infer<typeof PodFailurePolicyRule> {}

export const PodFailurePolicy = message("PodFailurePolicy", {
  rules: required(list<PodFailurePolicyRule>(1, PodFailurePolicyRule, atomic)),
});
export interface PodFailurePolicy extends Infer<typeof PodFailurePolicy> {}

export const SuccessPolicyRule = message("SuccessPolicyRule", {
  succeededIndexes: string(1, explicit),
  succeededCount: int32(2, explicit),
});
export interface SuccessPolicyRule extends Infer<typeof SuccessPolicyRule> {}

export const SuccessPolicy = message("SuccessPolicy", {
  rules: required(list<SuccessPolicyRule>(1, SuccessPolicyRule, atomic)),
});
export interface SuccessPolicy extends Infer<typeof SuccessPolicy> {}

export const JobSpec = message(
  "JobSpec",
  {
    parallelism: int32(1, explicit, doc("How many pods may run at a time.")),
    completions: int32(2, explicit, doc("How many pods must succeed.")),
    activeDeadlineSeconds: int64(3, explicit),
    podFailurePolicy: one<PodFailurePolicy>(11, PodFailurePolicy),
    successPolicy: one<SuccessPolicy>(16, SuccessPolicy),
    backoffLimit: int32(7, explicit, doc("How many failures are tolerated before the Job fails. Defaults to 6.")),
    backoffLimitPerIndex: int32(12, explicit),
    maxFailedIndexes: int32(13, explicit),
    selector: one<LabelSelector>(4, LabelSelector),
    manualSelector: boolean(5, explicit),
    template: required(one<PodTemplateSpec>(6, PodTemplateSpec, always, doc("What the pods look like."))),
    ttlSecondsAfterFinished: int32(8, explicit),
    completionMode: oneOf(9, ["NonIndexed", "Indexed"], explicit),
    suspend: boolean(10, explicit),
    podReplacementPolicy: oneOf(14, ["TerminatingOrFailed", "Failed"], explicit),
    managedBy: string(15, explicit),
  },
  { doc: "What a Job should be." },
);
export interface JobSpec extends Infer<typeof JobSpec> {}

export const JobCondition = message("JobCondition", {
  type: required(string(1)),
  status: required(oneOf(2, ["True", "False", "Unknown"])),
  lastProbeTime: time(3),
  lastTransitionTime: time(4),
  reason: string(5),
  message: string(6),
});
export interface JobCondition extends Infer<typeof JobCondition> {}

export const UncountedTerminatedPods = message("UncountedTerminatedPods", {
  succeeded: list(1, string, set),
  failed: list(2, string, set),
});
export interface UncountedTerminatedPods extends Infer<typeof UncountedTerminatedPods> {}

export const JobStatus = message("JobStatus", {
  conditions: list<JobCondition>(1, JobCondition, atomic, mergeBy("type")),
  startTime: time(2),
  completionTime: time(3),
  active: int32(4),
  succeeded: int32(5),
  failed: int32(6),
  terminating: int32(11, explicit),
  completedIndexes: string(7),
  failedIndexes: string(10, explicit),
  uncountedTerminatedPods: one<UncountedTerminatedPods>(8, UncountedTerminatedPods),
  ready: int32(9, explicit),
});
export interface JobStatus extends Infer<typeof JobStatus> {}

export const Job = kind("Job", "Runs pods until a given number of them have succeeded.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: given(one<JobSpec>(2, JobSpec, always, doc("What is wanted."))),
  status: one<JobStatus>(3, JobStatus, always, doc("What was last seen.")),
});
export interface Job extends Infer<typeof Job> {}

export const JobList = listOf<Job>(Job);
export interface JobList extends Infer<typeof JobList> {}

export const JobTemplateSpec = message("JobTemplateSpec", {
  metadata: one<TemplateMeta>(1, TemplateMeta, always),
  spec: one<JobSpec>(2, JobSpec, always),
});
export interface JobTemplateSpec extends Infer<typeof JobTemplateSpec> {}
