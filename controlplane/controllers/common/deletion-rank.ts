import type { Pod } from "../../api/mod.ts";
import { isReady, podCondition } from "./pods.ts";

const deletionCostAnnotation = "controller.kubernetes.io/pod-deletion-cost";
const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

/**
 * Sorts pods so that those that would be missed least come first: unassigned, pending, not ready, cheap to delete, crowded on their
 * node, ready for a shorter time (by orders of magnitude), restarted more often, newer (ActivePodsWithRanks of the original).
 * `crowd` are pods of the same kind wherever they come from: those ready or running on the same node count.
 */
export function rankForDeletion(pods: readonly Pod[], crowd: readonly Pod[], nowMs: number): Pod[] {
  const onNode = new Map<string, number>();
  for (const { spec } of crowd.filter(isRanked))
    onNode.set(spec.nodeName ?? "", (onNode.get(spec.nodeName ?? "") ?? 0) + 1);
  const keys = new Map(pods.map((pod) => [pod, rankOf(pod, onNode, nowMs)]));
  return [...pods].sort((a, b) => compare(keys.get(a) ?? [], keys.get(b) ?? []));
}

function isRanked(pod: Pod): boolean {
  return (
    pod.metadata.deletionTimestamp === undefined && pod.spec.nodeName !== undefined && pod.status?.phase !== "Failed"
  );
}

/** Lower goes first, compared number by number. */
function rankOf(pod: Pod, onNode: ReadonlyMap<string, number>, nowMs: number): number[] {
  const { metadata, spec, status } = pod;
  const assigned = spec.nodeName === undefined || spec.nodeName === "" ? 0 : 1;
  const ready = isReady(pod);
  const cost = Number.parseInt(metadata.annotations?.[deletionCostAnnotation] ?? "0", 10);
  const restarts = (status?.containerStatuses ?? []).map((container) => container.restartCount);
  return [
    assigned,
    phaseRank[status?.phase ?? "Pending"] ?? 0,
    ready ? 1 : 0,
    Number.isNaN(cost) ? 0 : cost,
    -(onNode.get(spec.nodeName ?? "") ?? 0),
    ready ? magnitude(podCondition(status, "Ready")?.lastTransitionTime, nowMs) : 0,
    -Math.max(0, ...restarts),
    magnitude(metadata.creationTimestamp, nowMs),
  ];
}

/** How long ago, as the power of two of seconds: pods of about one age are equals, so that spreading decides. */
function magnitude(time: string | undefined, nowMs: number): number {
  if (time === undefined) return 0;
  return Math.floor(Math.log2(Math.max(1, (nowMs - Date.parse(time)) / 1000)));
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
