import type { Node, Taint } from "../../api/mod.ts";
import { timestamp } from "../../client/mod.ts";
import { findCondition } from "../common/conditions.ts";

const notReady = "node.kubernetes.io/not-ready";
const unreachable = "node.kubernetes.io/unreachable";

/** Condition, the status in which it repels pods, and the taint's key. */
const byCondition = [
  ["Ready", "False", notReady],
  ["Ready", "Unknown", unreachable],
  ["MemoryPressure", "True", "node.kubernetes.io/memory-pressure"],
  ["DiskPressure", "True", "node.kubernetes.io/disk-pressure"],
  ["PIDPressure", "True", "node.kubernetes.io/pid-pressure"],
  ["NetworkUnavailable", "True", "node.kubernetes.io/network-unavailable"],
] as const;

const ownNoSchedule = new Set<string>([...byCondition.map(([, , key]) => key), "node.kubernetes.io/unschedulable"]);
const ownNoExecute = new Set<string>([notReady, unreachable]);

/**
 * The taints that the node should have: those of others stay, ours follow its conditions. NoSchedule follows at once; NoExecute, which
 * drives pods away, only where `mayEvict`, and never changes its key or goes before the condition does.
 */
export function taintsFor(node: Node, mayEvict: boolean, nowMs: number): Taint[] {
  const current = node.spec?.taints ?? [];
  const others = current.filter(({ key, effect }) => {
    if (effect === "NoSchedule") return !ownNoSchedule.has(key);
    return effect !== "NoExecute" || !ownNoExecute.has(key);
  });
  const had = (key: string, effect: string) => current.find((taint) => taint.key === key && taint.effect === effect);
  const timeAdded = timestamp(nowMs);
  const noSchedule = byCondition
    .filter(([type, status]) => findCondition(node.status?.conditions, type)?.status === status)
    .map(([, , key]): string => key);
  if (node.spec?.unschedulable) noSchedule.push("node.kubernetes.io/unschedulable");
  const taints = noSchedule.map((key): Taint => had(key, "NoSchedule") ?? { key, effect: "NoSchedule", timeAdded });
  const evicting = evictionTaint(node);
  const present = [...ownNoExecute].map((key) => had(key, "NoExecute")).find((taint) => taint !== undefined);
  if (evicting !== undefined && (mayEvict || present !== undefined)) {
    // From not ready to unreachable the time goes on: for the pods it is one outage.
    taints.push({ key: evicting, effect: "NoExecute", timeAdded: present?.timeAdded ?? timeAdded });
  }
  return [...others, ...taints];
}

/** The key of the NoExecute taint that the node's Ready condition calls for. */
export function evictionTaint(node: Node): string | undefined {
  const ready = findCondition(node.status?.conditions, "Ready")?.status;
  return ready === "False" ? notReady : ready === "Unknown" ? unreachable : undefined;
}
