import type { Random } from "../../base/mod.ts";
import type { ClusterFacts, FilterPlugin, Rejection, ScorePlugin } from "./framework.ts";
import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";

export interface Refusal extends Rejection {
  readonly plugin: string;
}

export type Placement =
  | { readonly kind: "node"; readonly node: string; readonly feasible: number; readonly evaluated: number }
  | { readonly kind: "unschedulable"; readonly nodeCount: number; readonly refusals: ReadonlyMap<string, Refusal> };

/** Small clusters are looked at whole; of large ones, enough feasible nodes to choose well from. */
const leastFeasibleNodes = 100;
const leastPercentage = 5;

/** How many feasible nodes end the search (the original's numFeasibleNodesToFind with its adaptive percentage). */
export function enoughFeasibleNodes(nodeCount: number): number {
  if (nodeCount < leastFeasibleNodes) return nodeCount;
  const percentage = Math.max(50 - Math.floor(nodeCount / 125), leastPercentage);
  return Math.max(Math.floor((nodeCount * percentage) / 100), leastFeasibleNodes);
}

export function filterNode(plugins: readonly FilterPlugin[], pod: PodInfo, node: NodeInfo): Refusal | undefined {
  for (const plugin of plugins) {
    const rejection = plugin.filter(pod, node);
    if (rejection !== undefined) return { ...rejection, plugin: plugin.name };
  }
  return undefined;
}

/** Weighted sums of all plugins' normalised scores, one per node. */
export function scoreNodes(
  plugins: readonly ScorePlugin[],
  pod: PodInfo,
  nodes: readonly NodeInfo[],
  cluster: ClusterFacts,
): number[] {
  const totals = new Array<number>(nodes.length).fill(0);
  for (const plugin of plugins) {
    if (plugin.skip?.(pod)) continue;
    const scores = nodes.map((node) => plugin.score(pod, node, cluster));
    plugin.normalize?.(scores);
    for (let i = 0; i < scores.length; i++) totals[i] = (totals[i] as number) + (scores[i] as number) * plugin.weight;
  }
  return totals;
}

/** The best of the scores; among equals, each with the same chance. */
function pickBest(scores: readonly number[], random: Random): number {
  let best = 0;
  let equals = 1;
  for (let i = 1; i < scores.length; i++) {
    const difference = (scores[i] as number) - (scores[best] as number);
    if (difference > 0) {
      best = i;
      equals = 1;
    } else if (difference === 0 && random.below(++equals) === 0) best = i;
  }
  return best;
}

/** Filter, score, pick. Successive calls start at different nodes, so that large clusters fill evenly. */
export class NodeFinder {
  readonly #filters: readonly FilterPlugin[];
  readonly #scores: readonly ScorePlugin[];
  readonly #random: Random;
  #startAt = 0;

  constructor(filters: readonly FilterPlugin[], scores: readonly ScorePlugin[], random: Random) {
    this.#filters = filters;
    this.#scores = scores;
    this.#random = random;
  }

  find(pod: PodInfo, nodes: readonly NodeInfo[], cluster: ClusterFacts): Placement {
    const refusals = new Map<string, Refusal>();
    const feasible: NodeInfo[] = [];
    const enough = enoughFeasibleNodes(nodes.length);
    let evaluated = 0;
    while (evaluated < nodes.length && feasible.length < enough) {
      const node = nodes[(this.#startAt + evaluated++) % nodes.length] as NodeInfo;
      const refusal = filterNode(this.#filters, pod, node);
      if (refusal === undefined) feasible.push(node);
      else refusals.set(node.name, refusal);
    }
    if (nodes.length > 0) this.#startAt = (this.#startAt + evaluated) % nodes.length;
    if (feasible.length === 0) return { kind: "unschedulable", nodeCount: nodes.length, refusals };
    const only = feasible.length === 1 ? 0 : pickBest(scoreNodes(this.#scores, pod, feasible, cluster), this.#random);
    return { kind: "node", node: (feasible[only] as NodeInfo).name, feasible: feasible.length, evaluated };
  }
}
