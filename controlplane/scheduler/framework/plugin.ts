import type { Random } from "../../../base/mod.ts";
import type { Client } from "../../client/mod.ts";
import type { Cluster } from "../cluster.ts";
import type { NodeInfo } from "../node-info.ts";
import type { PodInfo } from "../pod-info.ts";
import type { Refusals } from "../refusals.ts";
import type { CycleState } from "./cycle-state.ts";
import type { ClusterEvent, ClusterEventKind } from "./events.ts";

/** The highest score a plugin may give a node. */
export const maxNodeScore = 100;

/** Why a node cannot take a pod. */
export interface Rejection {
  /** As users read it in FailedScheduling, for example `Insufficient cpu`. One node may have several. */
  readonly reasons: readonly string[];
  /** Removing pods from the node would not help, so preemption need not look at it. */
  readonly unresolvable: boolean;
}

/** A rejection and who made it. */
export interface Refusal extends Rejection {
  readonly plugin: string;
}

/**
 * What preFilter found: nothing special; `skip`, the plugin has nothing to say about this pod; only some nodes come into question;
 * or no node does.
 */
export type PreFilterResult = undefined | "skip" | { readonly nodes: ReadonlySet<string> } | Rejection;

/** A way out for a pod that fits nowhere: room can be made on a node; or not, and why. */
export type PostFilterResult =
  | { readonly kind: "nominated"; readonly node: string; readonly victims: readonly PodInfo[] }
  /** `keep`: an earlier nomination still stands. */
  | { readonly kind: "none"; readonly message: string; readonly nomination: "keep" | "clear" };

/** What postFilter may do besides looking: try filters on changed copies of nodes. */
export interface Trial {
  readonly random: Random;
  /** With the pods that were promised room on the node and are not less important. */
  filter(pod: PodInfo, node: NodeInfo, state: CycleState): Refusal | undefined;
  addPod(pod: PodInfo, added: PodInfo, node: NodeInfo, state: CycleState): void;
  removePod(pod: PodInfo, removed: PodInfo, node: NodeInfo, state: CycleState): void;
}

/** What the last steps before the binding may use. They wait, and may fail by throwing. */
export interface BindContext {
  readonly client: Client;
  readonly cluster: Cluster;
  /** Settles the next time a claim or a volume changes. */
  storageChanged(signal: AbortSignal): Promise<void>;
  readonly signal: AbortSignal;
}

/** Order of the queue. */
export interface Waiting {
  readonly pod: PodInfo;
  /** When it was put into the queue (the last time), in milliseconds of the monotonic clock. */
  readonly since: number;
}

/**
 * One plugin, at any of the extension points of the scheduling framework, which are called in the order in which they stand here. Names are
 * the original's. Up to `score` all are pure: the same pod, node, cluster and state give the same answer.
 */
export interface Plugin {
  readonly name: string;

  /** Why the pod may not even be tried yet; undefined lets it pass. */
  preEnqueue?(pod: PodInfo): string | undefined;
  /** Negative: a goes first. */
  compare?(a: Waiting, b: Waiting): number;

  /** Works out what filter needs, once per pod. */
  preFilter?(pod: PodInfo, cluster: Cluster, state: CycleState): PreFilterResult;
  filter?(pod: PodInfo, node: NodeInfo, state: CycleState, cluster: Cluster): Rejection | undefined;
  /**
   * All that filter reads of the pod, as plain JSON: with it, the verdict depends on nothing else but the node and its pods, and holds for other pods
   * of the same signature until the node changes. Missing where the rest of the cluster matters too.
   */
  signature?(pod: PodInfo): unknown;
  /** Keeps the state right while preemption, or a promised place, puts another pod on a node or takes it away. */
  addPod?(pod: PodInfo, added: PodInfo, node: NodeInfo, state: CycleState, cluster: Cluster): void;
  removePod?(pod: PodInfo, removed: PodInfo, node: NodeInfo, state: CycleState, cluster: Cluster): void;
  postFilter?(pod: PodInfo, refusals: Refusals, cluster: Cluster, state: CycleState, trial: Trial): PostFilterResult;

  /** `skip`: the plugin would say the same of every node. */
  preScore?(pod: PodInfo, nodes: readonly NodeInfo[], cluster: Cluster, state: CycleState): "skip" | undefined;
  score?(pod: PodInfo, node: NodeInfo, state: CycleState, cluster: Cluster): number;
  /** Brings the raw scores of `nodes` to 0..maxNodeScore, in place. Without it they are there already. */
  normalize?(scores: number[], nodes: readonly NodeInfo[], state: CycleState): void;

  /** Takes what the pod needs besides its node. Throws when it cannot be had after all. */
  reserve?(pod: PodInfo, node: NodeInfo, state: CycleState, cluster: Cluster): void;
  /** Gives it back; called also where reserve was not. */
  unreserve?(pod: PodInfo, nodeName: string, state: CycleState, cluster: Cluster): void;
  /** Settles when the pod may go on, with a rejection when it may not. */
  permit?(pod: PodInfo, nodeName: string, context: BindContext): Promise<Rejection | undefined>;
  /** Whether preBind has something to wait for; most pods' bindings need not. */
  needsPreBind?(state: CycleState): boolean;
  preBind?(pod: PodInfo, nodeName: string, state: CycleState, context: BindContext): Promise<void>;
  /** True when it has bound the pod; false leaves it to the next. */
  bind?(pod: PodInfo, nodeName: string, context: BindContext): Promise<boolean>;
  postBind?(pod: PodInfo, nodeName: string): void;

  /** The events that `mayHelp` wants to be asked about. */
  readonly events?: ReadonlySet<ClusterEventKind>;
  /**
   * Queueing hint: whether the event may turn this plugin's earlier rejection of the pod into acceptance (or make room by preemption
   * possible). A wrong no leaves the pod waiting for five minutes, a wrong yes costs a try.
   */
  mayHelp?(event: ClusterEvent, pod: PodInfo, cluster: Cluster): boolean;
}

/** The original's DefaultNormalizeScore: the best becomes 100, or the worst when less is better. */
export function normalizeToMax(scores: number[], reverse: boolean): void {
  let highest = 0;
  for (const score of scores) if (score > highest) highest = score;
  for (let i = 0; i < scores.length; i++) {
    const score = highest === 0 ? 0 : Math.floor(((scores[i] as number) * maxNodeScore) / highest);
    scores[i] = reverse ? maxNodeScore - score : score;
  }
}
