import type { Job, JobCondition, Pod } from "../../api/mod.ts";
import { isActive } from "../common/pods.ts";

/** How a Job ends, or is about to. */
export interface Outcome {
  readonly type: "Complete" | "Failed";
  readonly reason: string;
  readonly message: string;
}

/** What a Job amounts to, the books and what is not in them yet taken together. */
export interface Tally {
  readonly active: number;
  readonly succeeded: number;
  readonly failed: number;
}

/** Complete or Failed, once it is one of them. */
export function finishedCondition(job: Job): JobCondition | undefined {
  return (job.status?.conditions ?? []).find(
    ({ type, status }) => (type === "Complete" || type === "Failed") && status === "True",
  );
}

export function isFinished(job: Job): boolean {
  return finishedCondition(job) !== undefined;
}

/** Fields that this controller does not carry out. Running such a Job otherwise than asked would be worse than not running it. */
function unsupportedFields(job: Job): string[] {
  const { podFailurePolicy, successPolicy, backoffLimitPerIndex, maxFailedIndexes } = job.spec;
  const fields = { podFailurePolicy, successPolicy, backoffLimitPerIndex, maxFailedIndexes };
  return Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [`spec.${name}`]));
}

/** Undefined while the Job goes on. */
export function outcomeOf(job: Job, pods: readonly Pod[], tally: Tally, nowMs: number): Outcome | undefined {
  const decided = (job.status?.conditions ?? []).find(
    ({ type, status }) => type === "FailureTarget" && status === "True",
  );
  if (decided !== undefined) {
    return { type: "Failed", reason: decided.reason ?? "", message: decided.message ?? "" };
  }
  const unsupported = unsupportedFields(job);
  if (unsupported.length > 0) {
    return {
      type: "Failed",
      reason: "UnsupportedField",
      message: `This controller does not support ${unsupported.join(", ")}`,
    };
  }
  if (tally.failed > (job.spec.backoffLimit ?? 6) || restartedTooOften(job, pods)) {
    return { type: "Failed", reason: "BackoffLimitExceeded", message: "Job has reached the specified backoff limit" };
  }
  const leftMs = deadlineLeftMs(job, nowMs);
  if (leftMs !== undefined && leftMs <= 0) {
    return { type: "Failed", reason: "DeadlineExceeded", message: "Job was active longer than specified deadline" };
  }
  const { completions } = job.spec;
  // Without a number: one success is enough, once all that run have ended.
  const done = completions === undefined ? tally.succeeded > 0 && tally.active === 0 : tally.succeeded >= completions;
  if (!done) return undefined;
  return { type: "Complete", reason: "CompletionsReached", message: "Reached expected number of succeeded pods" };
}

/** Time until activeDeadlineSeconds; undefined when it does not run. */
export function deadlineLeftMs(job: Job, nowMs: number): number | undefined {
  const { activeDeadlineSeconds, suspend } = job.spec;
  const startTime = job.status?.startTime;
  if (activeDeadlineSeconds === undefined || startTime === undefined || suspend) return undefined;
  return Date.parse(startTime) + activeDeadlineSeconds * 1000 - nowMs;
}

/** With restartPolicy OnFailure the kubelet restarts containers within one pod: those count against the limit too. */
function restartedTooOften(job: Job, pods: readonly Pod[]): boolean {
  if (job.spec.template.spec?.restartPolicy !== "OnFailure") return false;
  let restarts = 0;
  for (const { status } of pods.filter(isActive)) {
    if (status?.phase !== "Running" && status?.phase !== "Pending") continue;
    const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
    for (const { restartCount } of containers) restarts += restartCount;
  }
  const limit = job.spec.backoffLimit ?? 6;
  return limit === 0 ? restarts > 0 : restarts >= limit;
}
