import {
  always,
  atomic,
  boolean,
  explicit,
  given,
  int32,
  int64,
  list,
  one,
  oneOf,
  packageOf,
  required,
  string,
  time,
} from "../../schema/dsl.ts";
import type { Infer } from "../../schema/field.ts";
import { ObjectReference } from "../core/reference.ts";
import { listOf } from "../meta/list.ts";
import { ObjectMeta } from "../meta/object-meta.ts";
import { JobTemplateSpec } from "./job.ts";

const { kind, message } = packageOf("io.k8s.api.batch.v1", "batch", "v1");

export const CronJobSpec = message("CronJobSpec", {
  schedule: required(string(1)),
  timeZone: string(8, explicit),
  startingDeadlineSeconds: int64(2, explicit),
  concurrencyPolicy: oneOf(3, ["Allow", "Forbid", "Replace"]),
  suspend: boolean(4, explicit),
  jobTemplate: required(one<JobTemplateSpec>(5, JobTemplateSpec, always)),
  successfulJobsHistoryLimit: int32(6, explicit),
  failedJobsHistoryLimit: int32(7, explicit),
});
export interface CronJobSpec extends Infer<typeof CronJobSpec> {}

export const CronJobStatus = message("CronJobStatus", {
  active: list<ObjectReference>(1, ObjectReference, atomic),
  lastScheduleTime: time(4),
  lastSuccessfulTime: time(5),
});
export interface CronJobStatus extends Infer<typeof CronJobStatus> {}

export const CronJob = kind("CronJob", "Starts Jobs on a schedule.", {
  metadata: given(one<ObjectMeta>(1, ObjectMeta, always)),
  spec: required(one<CronJobSpec>(2, CronJobSpec, always)),
  status: one<CronJobStatus>(3, CronJobStatus, always),
});
export interface CronJob extends Infer<typeof CronJob> {}

export const CronJobList = listOf<CronJob>(CronJob);
export interface CronJobList extends Infer<typeof CronJobList> {}
