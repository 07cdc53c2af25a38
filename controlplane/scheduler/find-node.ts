import type { Random } from "../../base/mod.ts";
import type { Cluster } from "./cluster.ts";
import { CycleState } from "./framework/cycle-state.ts";
import type { Framework } from "./framework/framework.ts";
import type { Refusal } from "./framework/plugin.ts";
import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";
import { Refusals } from "./refusals.ts";

export type Placement =
  | {
      readonly kind: "node";
      readonly node: NodeInfo;
      readonly feasible: number;
      readonly evaluated: number;
      readonly state: CycleState;
    }
  | {
      readonly kind: "unschedulable";
      readonly nodeCount: number;
      /** Set when a plugin refused all nodes before any was looked at. */
      readonly preFilterMessage: string;
      readonly refusals: Refusals;
      /** Plugins whose change of mind may help. */
      readonly rejectedBy: ReadonlySet<string>;
      readonly state: CycleState;
    };

/** Small clusters are looked at whole; of large ones, enough feasible nodes to choose well from. */
const leastFeasibleNodes = 100;
const leastPercentage = 5;

/** How many feasible nodes end the search: all of 100; else the percentage, which by default is 50 - nodes / 125, at least 5. */
export function enoughFeasibleNodes(nodeCount: number, percentageOfNodesToScore = 0): number {
  if (nodeCount < leastFeasibleNodes) return nodeCount;
  const adaptive = Math.max(50 - Math.floor(nodeCount / 125), leastPercentage);
  const percentage = percentageOfNodesToScore === 0 ? adaptive : percentageOfNodesToScore;
  return Math.max(Math.floor((nodeCount * percentage) / 100), leastFeasibleNodes);
}

/** The best of the scores; among equals, each with the same chance. */
export function pickBest(scores: readonly number[], random: Random): number {
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
  readonly #framework: Framework;
  readonly #cluster: Cluster;
  #startAt = 0;

  constructor(framework: Framework, cluster: Cluster) {
    this.#framework = framework;
    this.#cluster = cluster;
  }

  find(pod: PodInfo): Placement {
    const framework = this.#framework;
    const state = new CycleState();
    const { nodes } = this.#cluster;
    const prepared = framework.preFilter(pod, state);
    if (prepared.kind === "refused") return this.#refusedByAll(prepared.refusal, state);

    const refusals = new Refusals();
    // Room was made for the pod there: no other node is looked at if it fits.
    const nominated = this.#cluster.node(pod.pod.status?.nominatedNodeName ?? "");
    if (nominated !== undefined && prepared.nodes?.has(nominated.name) !== false) {
      if (framework.filter(pod, nominated, state) === undefined) {
        return { kind: "node", node: nominated, feasible: 1, evaluated: 1, state };
      }
    }
    const { feasible, evaluated } = this.#filter(pod, prepared.nodes, refusals, state);
    if (feasible.length === 0) {
      const rejectedBy = new Set<string>();
      for (const { plugin } of refusals.values()) rejectedBy.add(plugin);
      // Without any node, each plugin may be the one to say that the first one will do.
      if (nodes.length === 0) for (const { name } of framework.profile.plugins.filter) rejectedBy.add(name);
      if (prepared.nodes !== undefined) {
        const reasons = [`node(s) didn't satisfy plugin(s) [${prepared.narrowedBy.join(" ")}]`];
        const plugin = prepared.narrowedBy[0] as string;
        const refusal = { reasons, unresolvable: true, plugin };
        for (const node of nodes) if (!prepared.nodes.has(node.name)) refusals.add(node, refusal);
        for (const name of prepared.narrowedBy) rejectedBy.add(name);
      }
      return { kind: "unschedulable", nodeCount: nodes.length, preFilterMessage: "", refusals, rejectedBy, state };
    }
    const [only] = feasible;
    if (feasible.length === 1) return { kind: "node", node: only as NodeInfo, feasible: 1, evaluated, state };
    framework.preScore(pod, feasible, state);
    const best = pickBest(framework.score(pod, feasible, state), framework.random);
    return { kind: "node", node: feasible[best] as NodeInfo, feasible: feasible.length, evaluated, state };
  }

  #filter(pod: PodInfo, only: ReadonlySet<string> | undefined, refusals: Refusals, state: CycleState) {
    const nodes = only === undefined ? this.#cluster.nodes : this.#named(only);
    const enough = enoughFeasibleNodes(nodes.length, this.#framework.profile.percentageOfNodesToScore);
    const feasible: NodeInfo[] = [];
    let evaluated = 0;
    while (evaluated < nodes.length && feasible.length < enough) {
      const node = nodes[(this.#startAt + evaluated++) % nodes.length] as NodeInfo;
      const refusal = this.#framework.filter(pod, node, state);
      if (refusal === undefined) feasible.push(node);
      else refusals.add(node, refusal);
    }
    if (nodes.length > 0) this.#startAt = (this.#startAt + evaluated) % nodes.length;
    return { feasible, evaluated };
  }

  #named(names: ReadonlySet<string>): NodeInfo[] {
    const nodes: NodeInfo[] = [];
    for (const name of names) {
      const node = this.#cluster.node(name);
      if (node !== undefined) nodes.push(node);
    }
    return nodes;
  }

  #refusedByAll(refusal: Refusal, state: CycleState): Placement {
    const { nodes } = this.#cluster;
    const refusals = new Refusals();
    for (const node of nodes) refusals.add(node, refusal);
    return {
      kind: "unschedulable",
      nodeCount: nodes.length,
      preFilterMessage: refusal.reasons.join(", "),
      refusals,
      rejectedBy: new Set([refusal.plugin]),
      state,
    };
  }
}
