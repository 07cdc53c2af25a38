/** How often each reason was given: `1 node(s) were unschedulable, 2 Insufficient cpu`, sorted as text. */
export function histogram(reasonsOfNodes: Iterable<readonly string[]>): string {
  // Nodes that refuse alike often share their list of reasons: few lists, counted as a whole.
  const lists = new Map<readonly string[], number>();
  for (const reasons of reasonsOfNodes) lists.set(reasons, (lists.get(reasons) ?? 0) + 1);
  const counts = new Map<string, number>();
  for (const [reasons, times] of lists) {
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + times);
  }
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(", ");
}

/** Why no node took a pod. */
export interface Diagnosis {
  readonly nodeCount: number;
  /** A plugin found before it looked at nodes that none will do. */
  readonly preFilterMessage: string;
  /** Of each node that was looked at or left out. */
  readonly reasonsOfNodes: Iterable<readonly string[]>;
  readonly postFilterMessage: string;
}

/**
 * What users read in FailedScheduling, for example
 * `0/3 nodes are available: 1 node(s) were unschedulable, 2 Insufficient cpu. preemption: 0/3 nodes are available: …`
 * (framework/types.go, FitError).
 */
export function fitMessage({ nodeCount, preFilterMessage, reasonsOfNodes, postFilterMessage }: Diagnosis): string {
  if (nodeCount === 0) return "no nodes available to schedule pods";
  const reasons = preFilterMessage === "" ? histogram(reasonsOfNodes) : preFilterMessage;
  const parts = [`0/${nodeCount} nodes are available:`];
  if (reasons !== "") parts.push(`${reasons}.`);
  if (postFilterMessage !== "") parts.push(postFilterMessage);
  return parts.join(" ");
}
