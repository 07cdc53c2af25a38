import type { Random } from "../../../base/mod.ts";
import type { Cluster } from "../cluster.ts";
import { interned } from "../interned.ts";
import type { NodeInfo } from "../node-info.ts";
import type { PodInfo } from "../pod-info.ts";
import type { Refusals } from "../refusals.ts";
import { type CycleState, StateKey } from "./cycle-state.ts";
import {
  type BindContext,
  maxNodeScore,
  type Plugin,
  type PostFilterResult,
  type Refusal,
  type Rejection,
  type Trial,
  type Waiting,
} from "./plugin.ts";

export interface WeightedPlugin {
  readonly plugin: Plugin;
  readonly weight: number;
}

/** Which plugins run where, in which order. A plugin may be left out at one point and run at another. */
export interface ProfilePlugins {
  readonly preEnqueue: readonly Plugin[];
  readonly queueSort: Plugin;
  readonly preFilter: readonly Plugin[];
  readonly filter: readonly Plugin[];
  readonly postFilter: readonly Plugin[];
  readonly preScore: readonly Plugin[];
  readonly score: readonly WeightedPlugin[];
  readonly reserve: readonly Plugin[];
  readonly permit: readonly Plugin[];
  readonly preBind: readonly Plugin[];
  readonly bind: readonly Plugin[];
  readonly postBind: readonly Plugin[];
}

export interface Profile {
  readonly schedulerName: string;
  readonly plugins: ProfilePlugins;
  /** 0: adapts to the size of the cluster. */
  readonly percentageOfNodesToScore: number;
}

export type Prepared =
  | { readonly kind: "go"; readonly nodes: ReadonlySet<string> | undefined; readonly narrowedBy: readonly string[] }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** One plugin's points for nodes, in the order in which these were given. */
export interface PluginScores {
  readonly plugin: string;
  readonly weight: number;
  readonly raw: readonly number[];
  /** 0..100. */
  readonly normalized: readonly number[];
}

const skippedScores = new StateKey<ReadonlySet<string>>("framework.skippedScores");

/** Runs the plugins of one profile, point by point. */
export class Framework implements Trial {
  readonly profile: Profile;
  readonly random: Random;
  readonly #plugins: ProfilePlugins;
  readonly #extended: readonly Plugin[];
  readonly #cluster: Cluster;
  /** The newest: many nodes in a row give the same rejection. */
  #rejection: Rejection | undefined;
  #refusal: Refusal | undefined;

  constructor(profile: Profile, cluster: Cluster, random: Random) {
    this.profile = profile;
    this.random = random;
    this.#plugins = profile.plugins;
    this.#extended = profile.plugins.preFilter.filter((plugin) => plugin.addPod !== undefined);
    this.#cluster = cluster;
  }

  /** All that take part, each once. */
  plugins(): Plugin[] {
    const { queueSort, score, ...lists } = this.#plugins;
    return [...new Set([queueSort, ...score.map(({ plugin }) => plugin), ...Object.values(lists).flat()])];
  }

  /** Who holds the pod back, and why. */
  preEnqueue(pod: PodInfo): { readonly plugin: string; readonly message: string } | undefined {
    for (const plugin of this.#plugins.preEnqueue) {
      const message = plugin.preEnqueue?.(pod);
      if (message !== undefined) return { plugin: plugin.name, message };
    }
    return undefined;
  }

  compare(a: Waiting, b: Waiting): number {
    return this.#plugins.queueSort.compare?.(a, b) ?? 0;
  }

  preFilter(pod: PodInfo, state: CycleState): Prepared {
    const skipped = new Set<Plugin>();
    const narrowedBy: string[] = [];
    let nodes: ReadonlySet<string> | undefined;
    for (const plugin of this.#plugins.preFilter) {
      const result = plugin.preFilter?.(pod, this.#cluster, state);
      if (result === undefined) continue;
      if (result === "skip") skipped.add(plugin);
      else if ("reasons" in result) return { kind: "refused", refusal: { ...result, plugin: plugin.name } };
      else {
        narrowedBy.push(plugin.name);
        nodes = nodes === undefined ? result.nodes : new Set(nodes).intersection(new Set(result.nodes));
        if (nodes.size > 0) continue;
        const reason = `node(s) didn't satisfy plugin(s) [${narrowedBy.sort().join(" ")}] simultaneously`;
        return { kind: "refused", refusal: { reasons: [reason], unresolvable: true, plugin: plugin.name } };
      }
    }
    state.filters = this.#plugins.filter.filter((plugin) => !skipped.has(plugin));
    state.signature = this.#signatureOf(pod, state.filters);
    state.extensions = this.#extended.filter((plugin) => !skipped.has(plugin));
    return { kind: "go", nodes, narrowedBy };
  }

  #signatureOf(pod: PodInfo, filters: readonly Plugin[]): string | undefined {
    if (filters.some((plugin) => plugin.signature === undefined)) return undefined;
    const parts = filters.map((plugin) => [plugin.name, plugin.signature?.(pod)]);
    // Plugins of another profile may have other arguments. Interned, as it is compared once for each node.
    return interned(JSON.stringify([this.profile.schedulerName, parts]));
  }

  /** The first plugin that refuses the node gives the reason. */
  filterOnce(pod: PodInfo, node: NodeInfo, state: CycleState): Refusal | undefined {
    for (const plugin of state.filters ?? this.#plugins.filter) {
      const rejection = plugin.filter?.(pod, node, state, this.#cluster);
      if (rejection === undefined) continue;
      return this.#refusalOf(rejection, plugin);
    }
    return undefined;
  }

  #refusalOf(rejection: Rejection, { name }: Plugin): Refusal {
    if (this.#refusal === undefined || this.#rejection !== rejection) {
      this.#rejection = rejection;
      this.#refusal = { reasons: rejection.reasons, unresolvable: rejection.unresolvable, plugin: name };
    }
    return this.#refusal;
  }

  /** Every plugin's verdict, for those who want to know them all. */
  filterAll(
    pod: PodInfo,
    node: NodeInfo,
    state: CycleState,
  ): { plugin: string; skipped: boolean; refusal?: Refusal }[] {
    const active = state.filters ?? this.#plugins.filter;
    return this.#plugins.filter.map((plugin) => {
      const rejection = active.includes(plugin) ? plugin.filter?.(pod, node, state, this.#cluster) : undefined;
      const refusal = rejection === undefined ? undefined : { ...rejection, plugin: plugin.name };
      return { plugin: plugin.name, skipped: !active.includes(plugin), refusal };
    });
  }

  /**
   * With pods of the same or a higher priority that were promised room on the node, as if they were there; and without them too, as the pod must
   * not depend on somebody who may never come.
   */
  filter(pod: PodInfo, node: NodeInfo, state: CycleState): Refusal | undefined {
    const promised = this.#cluster.nominations.onNode(node.name);
    if (promised.length > 0) {
      return this.#filterWith(promised, pod, node, state) ?? this.filterOnce(pod, node, state);
    }
    const { signature } = state;
    if (signature === undefined) return this.filterOnce(pod, node, state);
    if (node.verdict?.signature !== signature) {
      node.verdict = { signature, refusal: this.filterOnce(pod, node, state) };
    }
    return node.verdict.refusal;
  }

  #filterWith(promised: readonly PodInfo[], pod: PodInfo, node: NodeInfo, state: CycleState): Refusal | undefined {
    const missing = promised.filter(
      (other) => other.priority >= pod.priority && other.key !== pod.key && !node.pods.has(other.key),
    );
    if (missing.length === 0) return undefined;
    const [with_, stateWith] = [node.clone(), state.clone()];
    for (const other of missing) {
      with_.addPod(other);
      this.addPod(pod, other, with_, stateWith);
    }
    return this.filterOnce(pod, with_, stateWith);
  }

  addPod(pod: PodInfo, added: PodInfo, node: NodeInfo, state: CycleState): void {
    for (const plugin of state.extensions ?? this.#extended) plugin.addPod?.(pod, added, node, state, this.#cluster);
  }

  removePod(pod: PodInfo, removed: PodInfo, node: NodeInfo, state: CycleState): void {
    for (const plugin of state.extensions ?? this.#extended)
      plugin.removePod?.(pod, removed, node, state, this.#cluster);
  }

  /** The first plugin that finds a way out, or all their reasons. */
  postFilter(pod: PodInfo, refusals: Refusals, state: CycleState): PostFilterResult {
    const messages: string[] = [];
    let nomination: "keep" | "clear" = "keep";
    for (const plugin of this.#plugins.postFilter) {
      const result = plugin.postFilter?.(pod, refusals, this.#cluster, state, this);
      if (result?.kind === "nominated") return result;
      if (result === undefined) continue;
      messages.push(result.message);
      nomination = result.nomination;
    }
    return { kind: "none", message: messages.join(", "), nomination };
  }

  preScore(pod: PodInfo, nodes: readonly NodeInfo[], state: CycleState): void {
    const skipped = new Set<string>();
    for (const plugin of this.#plugins.preScore) {
      if (plugin.preScore?.(pod, nodes, this.#cluster, state) === "skip") skipped.add(plugin.name);
    }
    state.set(skippedScores, skipped);
  }

  /** Weighted sums of all plugins' normalised scores, one per node. */
  score(pod: PodInfo, nodes: readonly NodeInfo[], state: CycleState): number[] {
    const totals = new Array<number>(nodes.length).fill(0);
    const scores = new Array<number>(nodes.length).fill(0);
    const skipped = state.get(skippedScores);
    for (const { plugin, weight } of this.#plugins.score) {
      if (plugin.score === undefined || skipped?.has(plugin.name)) continue;
      for (let i = 0; i < nodes.length; i++) {
        scores[i] = plugin.score(pod, nodes[i] as NodeInfo, state, this.#cluster);
      }
      plugin.normalize?.(scores, nodes, state);
      for (let i = 0; i < nodes.length; i++) totals[i] = (totals[i] as number) + (scores[i] as number) * weight;
    }
    return totals;
  }

  /** The same, plugin by plugin. */
  scoreAll(
    pod: PodInfo,
    nodes: readonly NodeInfo[],
    state: CycleState,
  ): (PluginScores & { readonly skipped: boolean })[] {
    const skipped = state.get(skippedScores);
    return this.#plugins.score.map(({ plugin, weight }) => {
      const isSkipped = plugin.score === undefined || skipped?.has(plugin.name) === true;
      const raw = nodes.map((node) => (isSkipped ? 0 : (plugin.score?.(pod, node, state, this.#cluster) ?? 0)));
      const normalized = [...raw];
      if (!isSkipped) plugin.normalize?.(normalized, nodes, state);
      const inRange = normalized.every((score) => score >= 0 && score <= maxNodeScore);
      if (!inRange)
        throw new Error(`plugin ${plugin.name} returns an invalid score, it should be in the range [0, 100]`);
      return { plugin: plugin.name, weight, raw, normalized, skipped: isSkipped };
    });
  }

  /** Throws what a plugin throws, after those before it have given back what they took. */
  reserve(pod: PodInfo, node: NodeInfo, state: CycleState): void {
    try {
      for (const plugin of this.#plugins.reserve) plugin.reserve?.(pod, node, state, this.#cluster);
    } catch (error) {
      this.unreserve(pod, node.name, state);
      throw error;
    }
  }

  unreserve(pod: PodInfo, nodeName: string, state: CycleState): void {
    for (const plugin of this.#plugins.reserve.toReversed()) plugin.unreserve?.(pod, nodeName, state, this.#cluster);
  }

  /** Whether something must be waited for before the pod can be bound. */
  mustWait(state: CycleState): boolean {
    return (
      this.#plugins.permit.length > 0 || this.#plugins.preBind.some((plugin) => plugin.needsPreBind?.(state) ?? true)
    );
  }

  async permit(pod: PodInfo, nodeName: string, context: BindContext): Promise<Refusal | undefined> {
    for (const plugin of this.#plugins.permit) {
      const rejection = await plugin.permit?.(pod, nodeName, context);
      if (rejection !== undefined) return { ...rejection, plugin: plugin.name };
    }
    return undefined;
  }

  async preBind(pod: PodInfo, nodeName: string, state: CycleState, context: BindContext): Promise<void> {
    for (const plugin of this.#plugins.preBind) {
      try {
        await plugin.preBind?.(pod, nodeName, state, context);
      } catch (error) {
        throw new Error(`running PreBind plugin "${plugin.name}": ${(error as Error).message}`, { cause: error });
      }
    }
  }

  async bind(pod: PodInfo, nodeName: string, context: BindContext): Promise<void> {
    for (const plugin of this.#plugins.bind) if (await plugin.bind?.(pod, nodeName, context)) return;
    throw new Error("no bind plugin took the pod");
  }

  postBind(pod: PodInfo, nodeName: string): void {
    for (const plugin of this.#plugins.postBind) plugin.postBind?.(pod, nodeName);
  }
}
