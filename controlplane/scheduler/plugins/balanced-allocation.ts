import { maxNodeScore, type Plugin } from "../framework/plugin.ts";
import type { NodeInfo } from "../node-info.ts";
import type { PodInfo } from "../pod-info.ts";
import { native, type ResourceWeight } from "./resource-strategies.ts";

export interface BalancedAllocationArgs {
  /** Weights do not matter here. */
  readonly resources?: readonly ResourceWeight[];
}

/** Population standard deviation of the shares: 0 is balanced. Of two it is half their distance. */
function deviation(shares: readonly number[]): number {
  if (shares.length < 2) return 0;
  if (shares.length === 2) return Math.abs(((shares[0] as number) - (shares[1] as number)) / 2);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const squares = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0);
  return Math.sqrt(squares / shares.length);
}

function sharesWith(names: readonly string[], pod: PodInfo, node: NodeInfo): number[] {
  const shares: number[] = [];
  for (const name of names) {
    const allocatable = node.allocatable.resources.get(name);
    const request = pod.requests.get(name);
    if (allocatable === 0 || (request === 0 && !native.has(name))) continue;
    shares.push(Math.min(1, (node.requested.get(name) + request) / allocatable));
  }
  return shares;
}

/**
 * Prefers nodes whose resources would be used evenly: (1 - std of requested / allocatable) x 100. The formula of Kubernetes up to 1.34
 * (plugins/noderesources/balanced_allocation.go); 1.36 also looks at how it was before. A pod that requests nothing is not scored, as
 * such pods would all go to the same node.
 */
export function balancedAllocation(args: BalancedAllocationArgs = {}): Plugin {
  const names = args.resources?.map(({ name }) => name) ?? ["cpu", "memory"];
  return {
    name: "NodeResourcesBalancedAllocation",
    preScore: (pod) => (names.every((name) => pod.requests.get(name) === 0) ? "skip" : undefined),
    score: (pod, node) => Math.trunc((1 - deviation(sharesWith(names, pod, node))) * maxNodeScore),
  };
}
