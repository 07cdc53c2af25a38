import type { CronJob, CronJobStatus, Job, ObjectReference } from "../../api/mod.ts";
import { referenceTo, timestamp } from "../../client/mod.ts";
import { controllerReference } from "../common/owners.ts";
import { finishedCondition } from "../job/outcome.ts";
import { lastDue } from "./missed.ts";
import { parseSchedule } from "./schedule.ts";

export const scheduledAnnotation = "batch.kubernetes.io/cronjob-scheduled-timestamp";

export interface Notice {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export interface Plan {
  readonly notices: readonly Notice[];
  /** What is seen; to be written before anything is done. */
  readonly status: CronJobStatus;
  /** Finished Jobs beyond the history limits. */
  readonly forget: readonly Job[];
  /** Running Jobs that the next one replaces. */
  readonly replace: readonly ObjectReference[];
  readonly create?: { readonly job: Job; readonly atMs: number };
  /** When to look again. */
  readonly afterMs?: number;
}

export interface Observed {
  readonly cronJob: CronJob;
  /** Its own. */
  readonly jobs: readonly Job[];
  /** Uids of the status' active Jobs that the server says are gone. */
  readonly missing: ReadonlySet<string>;
  readonly nowMs: number;
  /** The zone that a CronJob without one means. */
  readonly defaultZone: string;
}

/** A little after the full second, so that the time has surely come. */
const slackMs = 100;

/** The decision alone: same objects, same plan. */
export function plan(observed: Observed): Plan {
  const { cronJob, jobs, nowMs } = observed;
  const { status, notices, kept } = observe(observed);
  const forget = surplus(cronJob, jobs);
  const idle: Plan = { notices, status: kept(forget), forget, replace: [] };
  const { suspend, schedule: text, timeZone, startingDeadlineSeconds, concurrencyPolicy } = cronJob.spec;
  if (cronJob.metadata.deletionTimestamp !== undefined) return { ...idle, forget: [], status };
  const parsed = parseSchedule(text, timeZone ?? observed.defaultZone);
  if (!parsed.ok) {
    const unknownZone = timeZone !== undefined && parsed.error.startsWith("provided bad location");
    const reason = unknownZone ? "UnknownTimeZone" : "UnparseableSchedule";
    const message = unknownZone
      ? `invalid timeZone: "${timeZone}": unknown time zone ${timeZone}`
      : `unparseable schedule: "${text}" : ${parsed.error}`;
    notices.push({ type: "Warning", reason, message });
    return idle;
  }
  if (suspend) return idle;
  const { schedule, zone } = parsed;
  const nextMs = schedule.next(nowMs);
  const waiting: Plan = nextMs === undefined ? idle : { ...idle, afterMs: nextMs - nowMs + slackMs };
  const deadlineMs = startingDeadlineSeconds === undefined ? undefined : startingDeadlineSeconds * 1000;
  const earliestMs = Math.max(
    Date.parse(status.lastScheduleTime ?? cronJob.metadata.creationTimestamp ?? ""),
    deadlineMs === undefined ? 0 : nowMs - deadlineMs,
  );
  const { atMs, tooMany } = lastDue(schedule, earliestMs, nowMs);
  if (tooMany) {
    const message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
    notices.push({ type: "Warning", reason: "TooManyMissedTimes", message });
  }
  if (atMs === undefined) {
    const lost = deadlineMs !== undefined && missedDeadline(schedule, observed, status, nowMs - deadlineMs);
    if (lost)
      notices.push({
        type: "Warning",
        reason: "MissSchedule",
        message: `Missed scheduled time to start a job: ${timestamp(lost)}`,
      });
    return waiting;
  }
  const active = idle.status.active ?? [];
  if (concurrencyPolicy === "Forbid" && active.length > 0) {
    const message = "Not starting job because prior execution is running and concurrency policy is Forbid";
    notices.push({ type: "Normal", reason: "JobAlreadyActive", message });
    return waiting;
  }
  const job = jobFor(cronJob, atMs, timeZone === undefined ? timestamp(atMs) : zone.format(atMs));
  return { ...waiting, create: { job, atMs }, replace: concurrencyPolicy === "Replace" ? active : [] };
}

/** The status as the Jobs show it. What a crash kept from being written down is read off the Jobs themselves. */
function observe({ cronJob, jobs, missing }: Observed) {
  const notices: Notice[] = [];
  const before = cronJob.status ?? {};
  let { lastScheduleTime, lastSuccessfulTime } = before;
  const active = new Map((before.active ?? []).map((reference) => [reference.uid ?? "", reference]));
  for (const job of jobs) {
    const { uid = "", name, annotations } = job.metadata;
    const scheduledMs = Date.parse(annotations?.[scheduledAnnotation] ?? "");
    const end = finishedCondition(job);
    if (!Number.isNaN(scheduledMs) && scheduledMs > Date.parse(lastScheduleTime ?? "1970-01-01T00:00:00Z"))
      lastScheduleTime = timestamp(scheduledMs);
    if (end === undefined && !active.has(uid)) {
      if (Number.isNaN(scheduledMs)) {
        const message = `Saw a job that the controller did not create or forgot: ${name}`;
        notices.push({ type: "Warning", reason: "UnexpectedJob", message });
      } else active.set(uid, referenceTo(job));
    } else if (end !== undefined && active.delete(uid)) {
      const message = `Saw completed job: ${name}, condition: ${end.type}`;
      notices.push({ type: "Normal", reason: "SawCompletedJob", message });
    }
    const { completionTime } = job.status ?? {};
    if (
      end?.type === "Complete" &&
      completionTime !== undefined &&
      (lastSuccessfulTime === undefined || completionTime > lastSuccessfulTime)
    )
      lastSuccessfulTime = completionTime;
  }
  for (const uid of missing) {
    const name = active.get(uid)?.name;
    if (active.delete(uid))
      notices.push({ type: "Normal", reason: "MissingJob", message: `Active job went missing: ${name}` });
  }
  const kept = (gone: readonly Job[] = []): CronJobStatus => {
    const stay = [...active.values()].filter(({ uid }) => !gone.some(({ metadata }) => metadata.uid === uid));
    return {
      ...(stay.length === 0 ? {} : { active: stay }),
      ...(lastScheduleTime === undefined ? {} : { lastScheduleTime }),
      ...(lastSuccessfulTime === undefined ? {} : { lastSuccessfulTime }),
    };
  };
  return { status: kept(), notices, kept };
}

/** A time that came before the deadline's window and was never served. */
function missedDeadline(
  schedule: { next(afterMs: number): number | undefined },
  { cronJob, nowMs }: Observed,
  status: CronJobStatus,
  windowMs: number,
): number | undefined {
  const servedMs = Date.parse(status.lastScheduleTime ?? cronJob.metadata.creationTimestamp ?? "");
  const { atMs } = lastDue(schedule, servedMs, nowMs);
  return atMs !== undefined && atMs <= windowMs ? atMs : undefined;
}

/** Finished Jobs beyond the limits, oldest first. */
function surplus(cronJob: CronJob, jobs: readonly Job[]): Job[] {
  const { successfulJobsHistoryLimit: successes, failedJobsHistoryLimit: failures } = cronJob.spec;
  const startOf = (job: Job) => job.status?.startTime ?? job.metadata.creationTimestamp ?? "";
  const oldest = [...jobs].sort((a, b) => (startOf(a) < startOf(b) ? -1 : 1));
  const beyond = (type: string, limit: number | undefined) => {
    const ended = oldest.filter((job) => finishedCondition(job)?.type === type);
    return limit === undefined ? [] : ended.slice(0, Math.max(0, ended.length - limit));
  };
  return [...beyond("Complete", successes), ...beyond("Failed", failures)];
}

/** Named after its time: whoever makes it, and however often, there is one. */
function jobFor(cronJob: CronJob, atMs: number, scheduled: string): Job {
  const { metadata = {}, spec } = cronJob.spec.jobTemplate;
  const { name, namespace } = cronJob.metadata;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: `${name}-${Math.floor(atMs / 60_000)}`,
      namespace,
      labels: metadata.labels,
      annotations: { ...metadata.annotations, [scheduledAnnotation]: scheduled },
      ownerReferences: [controllerReference(cronJob, "batch/v1", "CronJob")],
    },
    spec: spec as Job["spec"],
  };
}
