import type { Job, JobCondition, JobStatus, Pod } from "../../api/mod.ts";
import { timestamp } from "../../client/mod.ts";
import { findCondition, withCondition } from "../common/conditions.ts";
import { rankForDeletion } from "../common/deletion-rank.ts";
import { isActive, isReady, isTerminating } from "../common/pods.ts";
import { type Accounts, account, isIndexed, replacesFailedOnly, trackingFinalizer } from "./accounting.ts";
import { formatIndexes, indexOf } from "./indexes.ts";
import { deadlineLeftMs, type Outcome, outcomeOf } from "./outcome.ts";
import { limitsPerIndex, nextCounts, type PerIndex, perIndex } from "./per-index.ts";

/** Created at most in one go. */
const burst = 500;
const firstBackoffMs = 10_000;
const maxBackoffMs = 600_000;

/** A pod to create. */
export interface Creation {
  /** Undefined when the Job has none. */
  readonly index?: number;
  /** Whose place it takes, where failures are counted by index. */
  readonly failed?: Pod;
}

export interface Plan {
  /** To be written before any finalizer is removed. */
  readonly status: JobStatus;
  /** Pods that are in the books now. */
  readonly release: readonly Pod[];
  readonly remove: readonly Pod[];
  /** Those to remove are surplus or suspended: they lose their finalizer first and count as nothing. Otherwise they count as failed. */
  readonly uncounted: boolean;
  readonly create: readonly Creation[];
  /** It ends with this status. */
  readonly finished?: Outcome;
  /** It was stopped, or goes on again, with this status. */
  readonly suspended?: boolean;
  readonly afterMs?: number;
}

export interface Observed {
  readonly job: Job;
  /** Its own pods. */
  readonly pods: readonly Pod[];
  /** Pods whose tracking finalizer is gone on the server, whatever the cache says. */
  readonly released: ReadonlySet<string>;
  /** False while the cache lacks pods that were just created or deleted. */
  readonly cacheIsFresh: boolean;
  readonly nowMs: number;
}

/** The decision alone: same objects, same plan. */
export function plan(observed: Observed): Plan {
  const { pods, released, nowMs, cacheIsFresh } = observed;
  const job = started(observed.job, nowMs);
  const indexes = limitsPerIndex(job) ? perIndex(job, pods, released) : none;
  // What is about to end is not tried again, so nothing has to be carried on.
  const kept = isAnnounced(job) ? none.held : indexes.held;
  const books = account(job, pods, released, kept);
  const active = pods.filter(isActive);
  const terminating = pods.filter(isTerminating).length;
  const tally = {
    active: active.length,
    succeeded: books.succeeded + books.uncounted.succeeded.length,
    failed: books.failed + books.uncounted.failed.length + books.pendingFailures,
    completed: books.completed,
    failedIndexes: indexes.failed,
  };
  const outcome = outcomeOf(job, pods, tally, nowMs);
  const paused = job.spec.suspend === true;
  // What ends, or is suspended, lets nothing run on.
  const step =
    outcome !== undefined || paused || job.metadata.deletionTimestamp !== undefined
      ? { remove: job.metadata.deletionTimestamp === undefined ? active : [], create: [] }
      : cacheIsFresh
        ? manage({ job, pods, active, terminating, books, indexes, nowMs })
        : { remove: [], create: [] };
  const conditions = conditionsFor(job, outcome, nowMs);
  const counts = countsOf(job, books, indexes, active, terminating);
  const suspended = suspension(observed.job, outcome);
  // An end is final: it is announced only when nothing runs any more and every pod is in the books.
  const settled = books.uncounted.succeeded.length + books.uncounted.failed.length === 0 && !books.more;
  const stillHeld = books.release.length > 0 || kept.size > 0;
  const over = outcome !== undefined && settled && !stillHeld && active.length === 0 && terminating === 0;
  const status: JobStatus = over
    ? ended(job, { ...counts, conditions }, outcome, nowMs)
    : { ...counts, conditions: suspended === undefined ? conditions : withSuspension(conditions, suspended, nowMs) };
  return {
    status: tidy(paused && outcome === undefined ? { ...status, startTime: undefined } : status),
    release: books.release,
    ...step,
    uncounted: outcome === undefined,
    ...(over ? { finished: outcome } : {}),
    ...(suspended === undefined ? {} : { suspended }),
    ...wakeUp(job, outcome, step, nowMs),
  };
}

const none: PerIndex = { failed: new Set(), last: new Map(), held: new Set() };

/** How it ends is decided, and was told. */
function isAnnounced(job: Job): boolean {
  return (job.status?.conditions ?? []).some(
    ({ type, status }) => (type === "FailureTarget" || type === "SuccessCriteriaMet") && status === "True",
  );
}

/** Pods of a Job that has ended, or is gone, have nobody to be counted for. */
export function leftovers(pods: readonly Pod[]): Pod[] {
  return pods.filter(({ metadata }) => metadata.finalizers?.includes(trackingFinalizer));
}

function started(job: Job, nowMs: number): Job {
  if (job.status?.startTime !== undefined || job.spec.suspend) return job;
  return { ...job, status: { ...job.status, startTime: timestamp(nowMs) } };
}

function countsOf(
  job: Job,
  books: Accounts,
  indexes: PerIndex,
  active: readonly Pod[],
  terminating: number,
): JobStatus {
  const { uncounted } = books;
  return {
    ...job.status,
    active: active.length,
    ready: active.filter(isReady).length,
    terminating,
    succeeded: books.succeeded,
    failed: books.failed,
    completedIndexes: books.completedIndexes || undefined,
    ...(limitsPerIndex(job) ? { failedIndexes: formatIndexes(indexes.failed) } : {}),
    uncountedTerminatedPods: {
      ...(uncounted.succeeded.length > 0 ? { succeeded: [...uncounted.succeeded] } : {}),
      ...(uncounted.failed.length > 0 ? { failed: [...uncounted.failed] } : {}),
    },
  };
}

interface Step {
  readonly remove: readonly Pod[];
  readonly create: readonly Creation[];
  /** New pods wait this long because the last ones failed. */
  readonly backoffMs?: number;
}

interface Situation {
  readonly job: Job;
  readonly pods: readonly Pod[];
  readonly active: readonly Pod[];
  readonly terminating: number;
  readonly books: Accounts;
  readonly indexes: PerIndex;
  readonly nowMs: number;
}

function manage(situation: Situation): Step {
  const { job, active, terminating, books, indexes, nowMs } = situation;
  const { completions, parallelism = 1 } = job.spec;
  const succeeded = books.succeeded + books.uncounted.succeeded.length;
  const wanted =
    completions === undefined
      ? succeeded > 0
        ? Math.min(active.length, parallelism)
        : parallelism
      : Math.min(parallelism, Math.max(0, completions - succeeded - indexes.failed.size));
  const astray = isIndexed(job) ? withoutPurpose(situation) : [];
  const rest = astray.length === 0 ? active : active.filter((pod) => !astray.includes(pod));
  const excess = rest.length - wanted;
  if (astray.length > 0 || excess > 0) {
    const ranked = excess > 0 ? rankForDeletion(rest, rest, nowMs).slice(0, excess) : [];
    return { remove: [...astray, ...ranked], create: [] };
  }
  // Under the policy `Failed` a pod on its way out still takes the place of its successor.
  const taken = active.length + (replacesFailedOnly(job) ? terminating : 0);
  const missing = Math.min(wanted - taken, burst);
  if (missing <= 0) return { remove: [], create: [] };
  if (limitsPerIndex(job)) return { remove: [], ...retryIndexes(situation, missing) };
  const backoffMs = backoffLeftMs(situation);
  if (backoffMs > 0) return { remove: [], create: [], backoffMs };
  if (!isIndexed(job)) return { remove: [], create: Array.from({ length: missing }, () => ({})) };
  return {
    remove: [],
    create: freeIndexes(situation)
      .slice(0, missing)
      .map((index) => ({ index })),
  };
}

/** Pods of indexes that the Job no longer has, that have succeeded already, or that another pod works on: the oldest keeps it. */
function withoutPurpose({ job, active, books }: Situation): Pod[] {
  const taken = new Set(books.completed);
  const oldest = [...active].sort((a, b) => (startOf(a) < startOf(b) ? -1 : startOf(a) > startOf(b) ? 1 : 0));
  return oldest.filter((pod) => {
    const index = indexOf(pod, job.spec.completions ?? 0);
    if (index === undefined || taken.has(index)) return true;
    taken.add(index);
    return false;
  });
}

function startOf({ metadata }: Pod): string {
  return metadata.creationTimestamp ?? "";
}

/** Indexes that nobody works on and that have not ended. */
function freeIndexes({ job, pods, books, indexes }: Situation): number[] {
  const completions = job.spec.completions ?? 0;
  const taken = new Set([...books.completed, ...indexes.failed]);
  for (const pod of pods) {
    const index = indexOf(pod, completions);
    if (index !== undefined && (isActive(pod) || (replacesFailedOnly(job) && isTerminating(pod)))) taken.add(index);
  }
  return Array.from({ length: completions }, (_, index) => index).filter((index) => !taken.has(index));
}

/** Each index waits for itself alone. */
function retryIndexes(situation: Situation, count: number): Pick<Step, "create" | "backoffMs"> {
  const { job, indexes, nowMs } = situation;
  const create: Creation[] = [];
  let backoffMs: number | undefined;
  for (const index of freeIndexes(situation)) {
    if (create.length === count) break;
    const failed = indexes.last.get(index);
    const { failures, ignored } = nextCounts(job, failed);
    const leftMs = failed === undefined ? 0 : finishedAtMs(failed) + delayMs(failures + ignored) - nowMs;
    if (leftMs <= 0) create.push(failed === undefined ? { index } : { index, failed });
    else backoffMs = Math.min(backoffMs ?? leftMs, leftMs);
  }
  return backoffMs === undefined ? { create } : { create, backoffMs };
}

/** 10 s after the first failure in a row, doubled by each further one, at most 10 min. */
function delayMs(failures: number): number {
  return Math.min(firstBackoffMs * 2 ** Math.max(0, failures - 1), maxBackoffMs);
}

/** A success starts anew. */
function backoffLeftMs({ job, pods, nowMs }: Situation): number {
  if (!pods.some(({ status }) => status?.phase === "Failed")) return 0;
  const ends = pods
    .filter(({ status }) => status?.phase === "Failed" || status?.phase === "Succeeded")
    .map((pod) => ({ failed: pod.status?.phase === "Failed", atMs: finishedAtMs(pod) }))
    .sort((a, b) => b.atMs - a.atMs);
  const failures = ends.findIndex(({ failed }) => !failed);
  const inARow = failures === -1 ? ends.length : failures;
  const [last] = ends;
  if (inARow === 0 || last === undefined || (job.spec.backoffLimit ?? 6) === 0) return 0;
  return last.atMs + delayMs(inARow) - nowMs;
}

/** By its containers, else by the signs that are left: it must be a moment that stays, or the wait would never end. */
function finishedAtMs({ metadata, status }: Pod): number {
  const ends = (status?.containerStatuses ?? []).map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ""));
  const known = ends.filter((end) => !Number.isNaN(end));
  if (known.length > 0) return Math.max(...known);
  const unready = status?.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime;
  return Date.parse(unready ?? metadata.deletionTimestamp ?? metadata.creationTimestamp ?? "") || 0;
}

/** First that it will end (SuccessCriteriaMet, FailureTarget); the end itself is added by `ended`. */
function conditionsFor(job: Job, outcome: Outcome | undefined, nowMs: number): JobCondition[] {
  const conditions = job.status?.conditions ?? [];
  if (outcome === undefined) return [...conditions];
  const type = outcome.type === "Complete" ? "SuccessCriteriaMet" : "FailureTarget";
  return withCondition(conditions, condition(type, "True", outcome.reason, outcome.message, nowMs));
}

function ended(job: Job, status: JobStatus, { type, reason, message }: Outcome, nowMs: number): JobStatus {
  const conditions = withCondition(status.conditions, condition(type, "True", reason, message, nowMs));
  const completionTime = type === "Complete" ? timestamp(nowMs) : undefined;
  return { ...status, conditions, startTime: job.status?.startTime, completionTime };
}

/** True: it stops now. False: it goes on again. Undefined: neither. */
function suspension(job: Job, outcome: Outcome | undefined): boolean | undefined {
  if (outcome !== undefined) return undefined;
  const was = findCondition(job.status?.conditions, "Suspended")?.status === "True";
  const is = job.spec.suspend === true;
  return was === is ? undefined : is;
}

function withSuspension(conditions: readonly JobCondition[], suspended: boolean, nowMs: number): JobCondition[] {
  const next = suspended
    ? condition("Suspended", "True", "JobSuspended", "Job suspended", nowMs)
    : condition("Suspended", "False", "JobResumed", "Job resumed", nowMs);
  return withCondition(conditions, next);
}

function condition(
  type: string,
  status: "True" | "False",
  reason: string,
  message: string,
  nowMs: number,
): JobCondition {
  const now = timestamp(nowMs);
  return { type, status, lastProbeTime: now, lastTransitionTime: now, reason, message };
}

/** Fields as the server keeps them: counters without zeros, no empty lists. */
function tidy(status: JobStatus): JobStatus {
  const { conditions, active, succeeded, failed, ...rest } = status;
  return {
    ...rest,
    ...(conditions !== undefined && conditions.length > 0 ? { conditions } : {}),
    ...(active ? { active } : {}),
    ...(succeeded ? { succeeded } : {}),
    ...(failed ? { failed } : {}),
  };
}

function wakeUp(job: Job, outcome: Outcome | undefined, step: Step, nowMs: number): { afterMs?: number } {
  if (outcome !== undefined) return {};
  const waits = [step.backoffMs, deadlineLeftMs(job, nowMs)].filter((wait) => wait !== undefined);
  return waits.length === 0 ? {} : { afterMs: Math.max(1, Math.min(...waits)) };
}
