import type { Job, JobCondition, Pod } from "../../api/mod.ts";
import { isActive } from "../common/pods.ts";
import { hasFailed, isIndexed } from "./accounting.ts";
import { judge } from "./failure-policy.ts";
import { limitsPerIndex } from "./per-index.ts";
import { successPolicyMet } from "./success-policy.ts";

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
  /** Of an Indexed Job. */
  readonly completed: ReadonlySet<number>;
  /** Of a Job with a back-off limit per index. */
  readonly failedIndexes: ReadonlySet<number>;
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

/** Undefined while the Job goes on. What was announced once (FailureTarget, SuccessCriteriaMet) stays. */
export function outcomeOf(job: Job, pods: readonly Pod[], tally: Tally, nowMs: number): Outcome | undefined {
  const announced = (type: string) =>
    job.status?.conditions?.find((condition) => condition.type === type && condition.status === "True");
  const decided = announced("FailureTarget") ?? announced("SuccessCriteriaMet");
  if (decided !== undefined) {
    const type = decided.type === "FailureTarget" ? "Failed" : "Complete";
    return { type, reason: decided.reason ?? "", message: decided.message ?? "" };
  }
  return failureOf(job, pods, tally, nowMs) ?? successOf(job, tally);
}

function failureOf(job: Job, pods: readonly Pod[], tally: Tally, nowMs: number): Outcome | undefined {
  const failed = (reason: string, message: string): Outcome => ({ type: "Failed", reason, message });
  const { backoffLimit, completions = 0, maxFailedIndexes, podFailurePolicy } = job.spec;
  if (podFailurePolicy !== undefined) {
    for (const pod of pods) {
      const message = hasFailed(pod, job) ? judge(job, pod).message : undefined;
      if (message !== undefined) return failed("PodFailurePolicy", message);
    }
  }
  const limit = backoffLimit ?? (limitsPerIndex(job) ? Number.POSITIVE_INFINITY : 6);
  if (tally.failed > limit || restartedTooOften(job, pods, limit)) {
    return failed("BackoffLimitExceeded", "Job has reached the specified backoff limit");
  }
  const leftMs = deadlineLeftMs(job, nowMs);
  if (leftMs !== undefined && leftMs <= 0) {
    return failed("DeadlineExceeded", "Job was active longer than specified deadline");
  }
  const failedIndexes = tally.failedIndexes.size;
  if (maxFailedIndexes !== undefined && failedIndexes > maxFailedIndexes) {
    return failed("MaxFailedIndexesExceeded", "Job has exceeded the specified maximal number of failed indexes");
  }
  if (failedIndexes > 0 && failedIndexes + tally.succeeded >= completions) {
    return failed("FailedIndexes", "Job has failed indexes");
  }
  return undefined;
}

function successOf(job: Job, tally: Tally): Outcome | undefined {
  const message = isIndexed(job) ? successPolicyMet(job, tally.completed) : undefined;
  if (message !== undefined) return { type: "Complete", reason: "SuccessPolicy", message };
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
function restartedTooOften(job: Job, pods: readonly Pod[], limit: number): boolean {
  if (job.spec.template.spec?.restartPolicy !== "OnFailure") return false;
  let restarts = 0;
  for (const { status } of pods.filter(isActive)) {
    if (status?.phase !== "Running" && status?.phase !== "Pending") continue;
    const containers = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
    for (const { restartCount } of containers) restarts += restartCount;
  }
  return limit === 0 ? restarts > 0 : restarts >= limit;
}
