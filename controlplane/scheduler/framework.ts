import type { Node, Pod } from "../api/mod.ts";
import type { NodeInfo } from "./node-info.ts";
import type { PodInfo } from "./pod-info.ts";

/** The highest score a plugin may give a node. */
export const maxNodeScore = 100;

/** Why a node cannot take a pod. */
export interface Rejection {
  /** As users read it in FailedScheduling, for example `Insufficient cpu`. One node may have several. */
  readonly reasons: readonly string[];
  /** Removing pods from the node would not help, so preemption need not look at it. */
  readonly unresolvable: boolean;
}

/** Something that happened in the cluster and may make a waiting pod schedulable. */
export type ClusterEvent =
  | { readonly kind: "NodeAdd"; readonly node: Node }
  | { readonly kind: "NodeUpdate"; readonly old: Node; readonly node: Node }
  | { readonly kind: "AssignedPodDelete"; readonly pod: Pod }
  | { readonly kind: "AssignedPodUpdate"; readonly old: Pod; readonly pod: Pod };

/** Pure: the same pod and node give the same answer. Names are those of the original's plugins. */
export interface FilterPlugin {
  readonly name: string;
  filter(pod: PodInfo, node: NodeInfo): Rejection | undefined;
  /** Queueing hint: whether the event may turn this plugin's earlier rejection of the pod into acceptance. */
  mayHelp(event: ClusterEvent, pod: PodInfo): boolean;
}

/** Pure. Scores are compared after normalising and weighing. */
export interface ScorePlugin {
  readonly name: string;
  readonly weight: number;
  /** Leaves the plugin out for this pod, when it would say the same of every node. */
  skip?(pod: PodInfo): boolean;
  score(pod: PodInfo, node: NodeInfo, cluster: ClusterFacts): number;
  /** Brings the raw scores of all nodes to 0..maxNodeScore, in place. */
  normalize?(scores: number[]): void;
}

/** What a score may know of the cluster as a whole. */
export interface ClusterFacts {
  readonly nodeCount: number;
  /** How many nodes hold the image. */
  nodesWithImage(name: string): number;
}

/** The original's DefaultNormalizeScore: the best becomes 100, or the worst when less is better. */
export function normalizeToMax(scores: number[], reverse: boolean): void {
  const highest = Math.max(...scores, 0);
  for (let i = 0; i < scores.length; i++) {
    const score = highest === 0 ? 0 : Math.floor(((scores[i] as number) * maxNodeScore) / highest);
    scores[i] = reverse ? maxNodeScore - score : score;
  }
}
