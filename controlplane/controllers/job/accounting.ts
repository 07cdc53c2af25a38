import type { Job, JobStatus, Pod } from "../../api/mod.ts";
import { judge } from "./failure-policy.ts";
import { formatIndexes, indexOf, parseIndexes } from "./indexes.ts";

export const trackingFinalizer = "batch.kubernetes.io/job-tracking";

/** So many pods are accounted for in one status; more would make it too large. */
const batch = 500;

/** Finished pods, counted once each, whatever restarts in between. */
export interface Accounts {
  readonly succeeded: number;
  readonly failed: number;
  /** Of an Indexed Job. */
  readonly completed: ReadonlySet<number>;
  readonly completedIndexes: string | undefined;
  readonly uncounted: { readonly succeeded: readonly string[]; readonly failed: readonly string[] };
  /** Failures that will count but are not in the books yet. */
  readonly pendingFailures: number;
  /** Finished pods that are in the books (of the status that is to be written first) and may lose their finalizer. */
  readonly release: readonly Pod[];
  /** Finished pods that did not fit into this batch. */
  readonly more: boolean;
}

export function isIndexed(job: Job): boolean {
  return job.spec.completionMode === "Indexed";
}

/** Under the policy `Failed` a pod counts only when it has stopped; otherwise its deletion already makes it a failure. */
export function hasFailed(pod: Pod, job: Job): boolean {
  if (pod.status?.phase === "Failed") return true;
  if (replacesFailedOnly(job)) return false;
  return pod.metadata.deletionTimestamp !== undefined && pod.status?.phase !== "Succeeded";
}

/** A pod failure policy judges how pods ended, so it has to wait until they have. */
export function replacesFailedOnly({ spec }: Job): boolean {
  return (
    (spec.podReplacementPolicy ?? (spec.podFailurePolicy === undefined ? "TerminatingOrFailed" : "Failed")) === "Failed"
  );
}

/** Failures of an index that the Job no longer has, and those that its policy ignores, count as nothing. */
function countsAsFailure(job: Job, pod: Pod): boolean {
  if (isIndexed(job) && indexOf(pod, job.spec.completions ?? 0) === undefined) return false;
  return judge(job, pod).counts;
}

/**
 * The books, carried forward by one step. A finished pod keeps a finalizer until it is written down, so none is lost; and it is written
 * down by uid until its finalizer is gone, so none is counted twice:
 *
 * 1. finished, with finalizer, not in the books: its uid enters `uncounted` (or its index `completedIndexes`); status is written;
 * 2. then its finalizer is removed;
 * 3. its uid is in `uncounted` and its finalizer is gone: the counter rises and the uid leaves, in one write of the status.
 *
 * `released` are uids whose finalizer is already removed on the server although the cache still shows it; `kept` are uids of failed
 * pods that stay out of the books for now.
 */
export function account(
  job: Job,
  pods: readonly Pod[],
  released: ReadonlySet<string>,
  kept: ReadonlySet<string>,
): Accounts {
  const status: JobStatus = job.status ?? {};
  const completions = job.spec.completions ?? 0;
  const completed = parseIndexes(status.completedIndexes, completions);
  const held = new Map<string, Pod>();
  for (const pod of pods) {
    const uid = pod.metadata.uid ?? "";
    if (pod.metadata.finalizers?.includes(trackingFinalizer) && !released.has(uid)) held.set(uid, pod);
  }
  const before = {
    succeeded: status.uncountedTerminatedPods?.succeeded ?? [],
    failed: status.uncountedTerminatedPods?.failed ?? [],
  };
  const stillHeld = (uid: string) => held.has(uid);
  const uncounted = { succeeded: before.succeeded.filter(stillHeld), failed: before.failed.filter(stillHeld) };
  let succeeded = (status.succeeded ?? 0) + before.succeeded.length - uncounted.succeeded.length;
  const failed = (status.failed ?? 0) + before.failed.length - uncounted.failed.length;
  const known = new Set([...uncounted.succeeded, ...uncounted.failed]);
  const release: Pod[] = [...known].map((uid) => held.get(uid) as Pod);
  let pendingFailures = 0;
  let more = false;
  for (const [uid, pod] of held) {
    if (known.has(uid)) continue;
    const won = pod.status?.phase === "Succeeded";
    if (!won && !hasFailed(pod, job)) continue;
    const fails = !won && countsAsFailure(job, pod);
    const full = release.length >= batch;
    if (full || kept.has(uid)) {
      if (fails) pendingFailures++;
      more ||= full;
      continue;
    }
    const index = isIndexed(job) ? indexOf(pod, completions) : undefined;
    if (won && isIndexed(job)) {
      // Its index is the book entry; a second success of one index changes nothing.
      if (index !== undefined) completed.add(index);
    } else if (won) uncounted.succeeded.push(uid);
    else if (fails) uncounted.failed.push(uid);
    release.push(pod);
  }
  if (isIndexed(job)) succeeded = completed.size;
  return {
    succeeded,
    failed,
    completed,
    completedIndexes: isIndexed(job) ? formatIndexes(completed) : undefined,
    uncounted,
    pendingFailures,
    release,
    more,
  };
}
