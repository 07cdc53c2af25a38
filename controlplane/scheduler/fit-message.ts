import type { Refusal } from "./find-node.ts";

function byReason(refusals: Iterable<Refusal>): string[] {
  const counts = new Map<string, number>();
  for (const { reasons } of refusals) {
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
}

/**
 * What users read in FailedScheduling, for example
 * `0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. preemption: 0/3 nodes are available: …`.
 */
export function fitMessage(nodeCount: number, refusals: ReadonlyMap<string, Refusal>): string {
  if (nodeCount === 0) return "no nodes available to schedule pods";
  const reasons = byReason(refusals.values());
  const preemption = preemptionMessage(nodeCount, refusals);
  return `0/${nodeCount} nodes are available: ${reasons.join(", ")}. ${preemption}`;
}

function preemptionMessage(nodeCount: number, refusals: ReadonlyMap<string, Refusal>): string {
  const unhelpful = [...refusals.values()].filter((refusal) => refusal.unresolvable).length;
  const counts: string[] = [];
  if (nodeCount - unhelpful > 0) counts.push(`${nodeCount - unhelpful} No preemption victims found for incoming pod`);
  if (unhelpful > 0) counts.push(`${unhelpful} Preemption is not helpful for scheduling`);
  return `preemption: 0/${nodeCount} nodes are available: ${counts.sort().join(", ")}.`;
}
