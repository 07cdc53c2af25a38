import type { DaemonSet, Pod } from "../../api/mod.ts";
import { isAvailable } from "../common/pods.ts";
import { isCurrent, isStaying, type Observed, type Place, surges } from "./places.ts";

interface Step {
  readonly create: readonly string[];
  readonly remove: readonly Pod[];
}

/** Percent of the nodes that should have a pod, rounded up. */
function scaled(value: number | string | undefined, total: number): number {
  if (value === undefined) return 0;
  if (typeof value === "number") return value;
  return Math.ceil((Number.parseInt(value, 10) * total) / 100);
}

function limitsOf(set: DaemonSet, desired: number): { maxSurge: number; maxUnavailable: number } {
  const { maxSurge, maxUnavailable = 1 } = set.spec.updateStrategy?.rollingUpdate ?? {};
  const surge = scaled(maxSurge, desired);
  const unavailable = scaled(maxUnavailable, desired);
  // Both zero would never move.
  return { maxSurge: surge, maxUnavailable: surge === 0 ? Math.max(1, unavailable) : unavailable };
}

/** A node's old and new pod; undefined when there are several of a kind, which is for `manage` to settle first. */
function pairOf({ pods }: Place, hash: string): { old?: Pod; fresh?: Pod } | undefined {
  const staying = pods.filter(isStaying);
  const fresh = staying.filter((pod) => isCurrent(pod, hash));
  const old = staying.filter((pod) => !isCurrent(pod, hash));
  return fresh.length > 1 || old.length > 1 ? undefined : { old: old[0], fresh: fresh[0] };
}

/**
 * One step of replacing old pods, when every node has what it should have. Without surge an old pod goes first and its successor follows;
 * no more than `maxUnavailable` nodes are without an available pod by our doing, and an old pod that is not available anyway goes at
 * once. With surge the successor comes first, on `maxSurge` nodes at a time, and the old pod goes when it is available.
 */
export function rollingUpdate({ set, hash, nowMs }: Observed, places: readonly Place[]): Step {
  const wanted = places.filter(({ shouldRun }) => shouldRun);
  const limits = limitsOf(set, wanted.length);
  const { minReadySeconds = 0 } = set.spec;
  const available = (pod: Pod) => isAvailable(pod, minReadySeconds, nowMs);
  return surges(set)
    ? replaceBefore(places, hash, limits.maxSurge, available)
    : replaceAfter(places, hash, limits.maxUnavailable, available);
}

function replaceAfter(
  places: readonly Place[],
  hash: string,
  maxUnavailable: number,
  available: (pod: Pod) => boolean,
): Step {
  let unavailable = 0;
  const useless: Pod[] = [];
  const candidates: Pod[] = [];
  for (const place of places.filter(({ shouldRun, pods }) => shouldRun || pods.length > 0)) {
    const pair = pairOf(place, hash);
    const { old, fresh } = pair ?? {};
    if (old === undefined && fresh !== undefined) {
      if (!available(fresh)) unavailable++;
    } else if (old !== undefined && fresh === undefined) {
      if (available(old)) candidates.push(old);
      else {
        unavailable++;
        useless.push(old);
      }
    } else unavailable++;
  }
  return { create: [], remove: [...useless, ...candidates.slice(0, Math.max(0, maxUnavailable - unavailable))] };
}

function replaceBefore(
  places: readonly Place[],
  hash: string,
  maxSurge: number,
  available: (pod: Pod) => boolean,
): Step {
  let surging = 0;
  const free: string[] = [];
  const candidates: string[] = [];
  const remove: Pod[] = [];
  for (const place of places) {
    const pair = pairOf(place, hash);
    if (pair === undefined) {
      surging++;
      continue;
    }
    const { old, fresh } = pair;
    const name = place.node.metadata.name ?? "";
    if (old === undefined) continue;
    if (fresh === undefined) {
      if (place.shouldRun) (available(old) ? candidates : free).push(name);
    } else {
      surging++;
      if (!available(old) || available(fresh)) remove.push(old);
    }
  }
  return { create: [...free, ...candidates.slice(0, Math.max(0, maxSurge - surging))], remove };
}
