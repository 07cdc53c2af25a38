import type { ControllerRevision, PodTemplateSpec } from "../../api/mod.ts";
import { canonicalJson, sameJson } from "../common/equality.ts";

/** What a revision holds: a strategic merge patch that gives the workload its template back, which is how kubectl rolls back. */
export function templatePatch(template: PodTemplateSpec): unknown {
  // In sorted order, as kubectl compares the text.
  return JSON.parse(canonicalJson({ spec: { template: { ...template, $patch: "replace" } } }));
}

/** The template that a revision remembers. */
export function templateOf(revision: ControllerRevision): PodTemplateSpec {
  const data = revision.data as { readonly spec?: { readonly template?: PodTemplateSpec & { $patch?: string } } };
  const { $patch: _directive, ...template } = data.spec?.template ?? {};
  return template;
}

/** Oldest first. */
export function byRevision(a: ControllerRevision, b: ControllerRevision): number {
  if (a.revision !== b.revision) return a.revision - b.revision;
  const [x = "", y = ""] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (x !== y) return x < y ? -1 : 1;
  return (a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1;
}

export type HistoryStep =
  /** The newest one says it already. */
  | { readonly kind: "current"; readonly revision: ControllerRevision }
  /** An older one says it (a rollback): it becomes the newest. */
  | { readonly kind: "renumber"; readonly revision: ControllerRevision; readonly number: number }
  | { readonly kind: "create"; readonly number: number };

/** How the history comes to end with `data`. No two revisions say the same. */
export function planRevision(revisions: readonly ControllerRevision[], data: unknown): HistoryStep {
  const sorted = [...revisions].sort(byRevision);
  const newest = sorted.at(-1);
  const number = (newest?.revision ?? 0) + 1;
  const same = sorted.findLast((revision) => sameJson(revision.data, data));
  if (same === undefined) return { kind: "create", number };
  return same === newest ? { kind: "current", revision: same } : { kind: "renumber", revision: same, number };
}

/** Revisions beyond the limit that nothing lives by, oldest first. */
export function surplusRevisions(
  revisions: readonly ControllerRevision[],
  isLive: (revision: ControllerRevision) => boolean,
  limit = 10,
): ControllerRevision[] {
  const idle = revisions.filter((revision) => !isLive(revision)).sort(byRevision);
  return idle.slice(0, Math.max(0, idle.length - limit));
}
