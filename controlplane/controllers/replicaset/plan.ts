import type { Pod, ReplicaSet } from "../../api/mod.ts";
import { rankForDeletion } from "../common/deletion-rank.ts";

/** Created or deleted at most in one go, so that one set cannot hold up all others. */
const burst = 500;

export type Plan =
  | { readonly kind: "steady" }
  | { readonly kind: "create"; readonly count: number }
  | { readonly kind: "delete"; readonly pods: readonly Pod[] };

/** `pods`: its active ones. `crowd`: active pods of all sets of the same owner, which share nodes with them. */
export function plan(replicaSet: ReplicaSet, pods: readonly Pod[], crowd: readonly Pod[], nowMs: number): Plan {
  const excess = pods.length - (replicaSet.spec.replicas ?? 1);
  if (excess === 0) return { kind: "steady" };
  if (excess < 0) return { kind: "create", count: Math.min(-excess, burst) };
  const count = Math.min(excess, burst);
  // All of them: no need to choose.
  const ranked = count < pods.length ? rankForDeletion(pods, crowd, nowMs) : pods;
  return { kind: "delete", pods: ranked.slice(0, count) };
}
