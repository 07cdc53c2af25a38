import { maxNodeScore, type ScorePlugin } from "../framework.ts";
import type { NodeInfo } from "../node-info.ts";
import type { PodInfo } from "../pod-info.ts";

/** 0..1: how evenly CPU and memory are used; 1 is the same share of both. */
function balance(node: NodeInfo, pod: PodInfo | undefined): number {
  const shares: number[] = [];
  for (const resource of ["cpu", "memory"] as const) {
    const allocatable = node.allocatable.resources.get(resource) ?? 0;
    if (allocatable === 0) continue;
    const requested = (node.requested.get(resource) ?? 0) + (pod?.requests.get(resource) ?? 0);
    shares.push(Math.min(1, requested / allocatable));
  }
  const [first, second] = shares;
  return first === undefined || second === undefined ? 1 : 1 - Math.abs(first - second) / 2;
}

/**
 * Prefers nodes that the pod brings into balance: 50 points, plus or minus half of what the pod changes
 * (the formula of Kubernetes 1.36; a pod that requests nothing changes nothing and is not scored).
 */
export const balancedAllocation: ScorePlugin = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  skip: (pod) => [...pod.requests.values()].every((request) => request === 0),
  score(pod, node) {
    const [before, after] = [balance(node, undefined), balance(node, pod)].map((share) => share * maxNodeScore);
    return Math.floor(maxNodeScore / 2 + (maxNodeScore / 2 + (after as number) - (before as number)) / 2);
  },
};
