import type { Job, Pod } from "../../api/mod.ts";
import { hasFailed, trackingFinalizer } from "./accounting.ts";
import { judge } from "./failure-policy.ts";
import { indexOf, parseIndexes } from "./indexes.ts";

const failureCountAnnotation = "batch.kubernetes.io/job-index-failure-count";
const ignoredCountAnnotation = "batch.kubernetes.io/job-index-ignored-failure-count";

/** How often an index has failed: pods carry the number from one to the next. */
export interface FailureCounts {
  readonly failures: number;
  /** Failures that the policy ignores: they make successors wait, and count towards nothing. */
  readonly ignored: number;
}

/** Where a Job with a back-off limit per index stands. */
export interface PerIndex {
  readonly failed: ReadonlySet<number>;
  /** The newest failed pod of each index that is to be tried again. */
  readonly last: ReadonlyMap<number, Pod>;
  /** Uids of pods that keep their finalizer although they ended: their count would be lost before a successor carries it on. */
  readonly held: ReadonlySet<string>;
}

export function limitsPerIndex(job: Job): boolean {
  return job.spec.backoffLimitPerIndex !== undefined;
}

function countOf(pod: Pod, annotation: string): number {
  const count = Number(pod.metadata.annotations?.[annotation] ?? "0");
  return Number.isSafeInteger(count) && count >= 0 ? count : 0;
}

function generationOf(pod: Pod): number {
  return countOf(pod, failureCountAnnotation) + countOf(pod, ignoredCountAnnotation);
}

/** What the successor of a failed pod carries. */
export function nextCounts(job: Job, failed: Pod | undefined): FailureCounts {
  if (failed === undefined) return { failures: 0, ignored: 0 };
  const { counts } = judge(job, failed);
  return {
    failures: countOf(failed, failureCountAnnotation) + (counts ? 1 : 0),
    ignored: countOf(failed, ignoredCountAnnotation) + (counts ? 0 : 1),
  };
}

export function countAnnotations({ failures, ignored }: FailureCounts): Record<string, string> {
  return {
    [failureCountAnnotation]: String(failures),
    ...(ignored === 0 ? {} : { [ignoredCountAnnotation]: String(ignored) }),
  };
}

export function perIndex(job: Job, pods: readonly Pod[], released: ReadonlySet<string>): PerIndex {
  const completions = job.spec.completions ?? 0;
  const limit = job.spec.backoffLimitPerIndex ?? 0;
  const failed = parseIndexes(job.status?.failedIndexes, completions);
  const succeeded = parseIndexes(job.status?.completedIndexes, completions);
  const last = new Map<number, Pod>();
  const newest = new Map<number, number>();
  for (const pod of pods) {
    const index = indexOf(pod, completions);
    if (index === undefined) continue;
    newest.set(index, Math.max(newest.get(index) ?? 0, generationOf(pod)));
    if (pod.status?.phase === "Succeeded") succeeded.add(index);
    const tracked = pod.metadata.finalizers?.includes(trackingFinalizer) && !released.has(pod.metadata.uid ?? "");
    if (!tracked || !hasFailed(pod, job)) continue;
    if (judge(job, pod).action === "FailIndex" || nextCounts(job, pod).failures > limit) failed.add(index);
    const before = last.get(index);
    if (before === undefined || generationOf(pod) >= generationOf(before)) last.set(index, pod);
  }
  const held = new Set<string>();
  for (const [index, pod] of last) {
    const hasSuccessor = (newest.get(index) ?? 0) > generationOf(pod);
    if (hasSuccessor || failed.has(index) || succeeded.has(index)) last.delete(index);
    else held.add(pod.metadata.uid ?? "");
  }
  return { failed, last, held };
}
