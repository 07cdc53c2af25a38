import type { NamespaceCondition } from "../../api/mod.ts";
import { timestamp } from "../../client/mod.ts";
import { findCondition } from "../common/conditions.ts";

/** What one pass over a namespace's content found. */
export interface Deletion {
  /** Group versions that could not be asked. */
  readonly discoveryFailures: ReadonlyMap<string, string>;
  readonly contentFailures: readonly string[];
  /** Objects that remain, by resource (`pods.`, `deployments.apps`). */
  readonly remaining: ReadonlyMap<string, number>;
  /** Remaining objects by the finalizer they wait for. */
  readonly finalizers: ReadonlyMap<string, number>;
}

/** The five conditions by which a namespace tells why it is still there. */
export function conditionsOf(
  before: readonly NamespaceCondition[] | undefined,
  { discoveryFailures, contentFailures, remaining, finalizers }: Deletion,
  nowMs: number,
): NamespaceCondition[] {
  const make = (
    type: string,
    bad: boolean,
    [badReason, badMessage]: Texts,
    [reason, message]: Texts,
  ): NamespaceCondition => {
    const next = {
      type,
      status: bad ? "True" : "False",
      reason: bad ? badReason : reason,
      message: bad ? badMessage : message,
    } as const;
    const old = findCondition(before, type);
    const unchanged = old?.status === next.status && old.reason === next.reason && old.message === next.message;
    if (unchanged) return old;
    return { ...next, lastTransitionTime: old?.status === next.status ? old.lastTransitionTime : timestamp(nowMs) };
  };
  const undiscovered = [...discoveryFailures].map(([groupVersion, why]) => `${groupVersion}: ${why}`).join(", ");
  const left = [...remaining].sort(byName).map(([resource, count]) => `${resource} has ${count} resource instances`);
  const waiting = [...finalizers].sort(byName).map(([name, count]) => `${name} in ${count} resource instances`);
  return [
    make(
      "NamespaceDeletionDiscoveryFailure",
      discoveryFailures.size > 0,
      [
        "DiscoveryFailed",
        `Discovery failed for some groups, ${discoveryFailures.size} failing: unable to retrieve the complete list of server APIs: ${undiscovered}`,
      ],
      ["ResourcesDiscovered", "All resources successfully discovered"],
    ),
    // Nothing here parses group versions by hand; the condition is there because clients look for it.
    make(
      "NamespaceDeletionGroupVersionParsingFailure",
      false,
      ["", ""],
      ["ParsedGroupVersions", "All legacy kube types successfully parsed"],
    ),
    make(
      "NamespaceDeletionContentFailure",
      contentFailures.length > 0,
      [
        "ContentDeletionFailed",
        `Failed to delete all resource types, ${contentFailures.length} remaining: ${contentFailures.join(", ")}`,
      ],
      ["ContentDeleted", "All content successfully deleted, may be waiting on finalization"],
    ),
    make(
      "NamespaceContentRemaining",
      remaining.size > 0,
      ["SomeResourcesRemain", `Some resources are remaining: ${left.join(", ")}`],
      ["ContentRemoved", "All content successfully removed"],
    ),
    make(
      "NamespaceFinalizersRemaining",
      finalizers.size > 0,
      ["SomeFinalizerRemain", `Some finalizers are remaining: ${waiting.join(", ")}`],
      ["ContentRemoved", "All content successfully removed"],
    ),
  ];
}

type Texts = readonly [reason: string, message: string];

function byName([a]: readonly [string, number], [b]: readonly [string, number]): number {
  return a < b ? -1 : 1;
}
