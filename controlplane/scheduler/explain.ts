import { seededRandom } from "../../base/mod.ts";
import type { Pod } from "../api/mod.ts";
import { keyOf } from "../client/mod.ts";
import { Cache, isTerminal } from "./cache.ts";
import { CycleState } from "./framework/cycle-state.ts";
import { Framework, type Profile } from "./framework/framework.ts";
import type { NodeInfo } from "./node-info.ts";
import { type ClusterObjects, listedObjects } from "./objects.ts";
import { type PodInfo, podInfo } from "./pod-info.ts";
import { defaultProfile } from "./profile.ts";
import { Nominator } from "./queue/nominator.ts";

/** What one plugin says of one node. */
export interface FilterVerdict {
  readonly plugin: string;
  readonly verdict: "passes" | "refuses" | "skipped";
  /** As users read them; empty unless it refuses. */
  readonly reasons: readonly string[];
  /** Removing pods would not help. */
  readonly unresolvable: boolean;
}

export interface NodeVerdict {
  readonly node: string;
  readonly feasible: boolean;
  /** Of every filter plugin, in the order in which they run; those behind the first refusal are asked all the same. */
  readonly verdicts: readonly FilterVerdict[];
}

/** What one plugin gives one node. */
export interface NodeScore {
  readonly node: string;
  readonly raw: number;
  /** 0..100. */
  readonly normalized: number;
  /** normalized x weight. */
  readonly weighted: number;
}

export interface PluginScore {
  readonly plugin: string;
  readonly weight: number;
  /** The plugin has nothing to say about this pod: it gives nobody points. */
  readonly skipped: boolean;
  readonly nodes: readonly NodeScore[];
}

export interface Explanation {
  readonly nodes: readonly NodeVerdict[];
  /** Of the feasible nodes. */
  readonly scores: readonly PluginScore[];
  readonly totals: readonly { readonly node: string; readonly score: number }[];
  /** Nodes with the highest total; the scheduler draws one of them. Empty: the pod is unschedulable. */
  readonly winners: readonly string[];
}

/** The pod as it waits for a node, and the cluster without it: also a pod that has a node can be asked about. */
function prepare(pod: Pod, objects: ClusterObjects, profile: Profile) {
  const nominator = new Nominator();
  for (const other of objects.pods ?? []) {
    const nominated = other.status?.nominatedNodeName ?? "";
    if (!other.spec?.nodeName && nominated !== "" && !isTerminal(other)) nominator.set(podInfo(other), nominated);
  }
  const cache = new Cache(listedObjects(objects), nominator);
  for (const node of objects.nodes) cache.setNode(node);
  const key = keyOf(pod);
  for (const other of objects.pods ?? []) {
    if (other.spec?.nodeName && !isTerminal(other) && keyOf(other) !== key) cache.setPod(other);
  }
  const { nodeName: _nodeName, ...spec } = pod.spec ?? {};
  const bound = (pod.metadata.resourceVersion ?? "") !== "" && pod.spec?.nodeName !== undefined;
  // Without a version the pod was never stored: a node that it names was asked for by its author.
  const waiting = bound ? ({ ...pod, spec } as Pod) : pod;
  const info = podInfo(waiting);
  const framework = new Framework(profile, cache, seededRandom(1));
  return { cache, info, framework, state: new CycleState() };
}

function verdictsOn(node: NodeInfo, pod: PodInfo, framework: Framework, state: CycleState): NodeVerdict {
  const verdicts = framework.filterAll(pod, node, state).map(({ plugin, skipped, refusal }): FilterVerdict => {
    const verdict = skipped ? "skipped" : refusal === undefined ? "passes" : "refuses";
    return { plugin, verdict, reasons: refusal?.reasons ?? [], unresolvable: refusal?.unresolvable ?? false };
  });
  // A place that is promised to a more important pod shows only here.
  const refusal = verdicts.some(({ verdict }) => verdict === "refuses")
    ? undefined
    : framework.filter(pod, node, state);
  if (refusal === undefined) {
    return { node: node.name, feasible: verdicts.every(({ verdict }) => verdict !== "refuses"), verdicts };
  }
  const reasons = refusal.reasons.map((reason) => `${reason} (with pods nominated for the node)`);
  const amended = verdicts.map((verdict) =>
    verdict.plugin === refusal.plugin ? { ...verdict, verdict: "refuses" as const, reasons } : verdict,
  );
  return { node: node.name, feasible: false, verdicts: amended };
}

/**
 * Asks every filter plugin about every node, in the order of `cluster.nodes`. The pod's own use of resources is not counted where it is bound
 * already, and it may be unknown to the cluster. Plain objects in, plain values out.
 */
export function filterPod(pod: Pod, cluster: ClusterObjects, profile: Profile = defaultProfile()): NodeVerdict[] {
  const { cache, info, framework, state } = prepare(pod, cluster, profile);
  const prepared = framework.preFilter(info, state);
  return cluster.nodes.map(({ metadata }) => {
    const node = cache.node(metadata.name ?? "") as NodeInfo;
    if (prepared.kind === "go" && prepared.nodes?.has(node.name) !== false)
      return verdictsOn(node, info, framework, state);
    const refusal =
      prepared.kind === "refused"
        ? prepared.refusal
        : {
            plugin: prepared.narrowedBy[0] as string,
            reasons: [`node(s) didn't satisfy plugin(s) [${prepared.narrowedBy.join(" ")}]`],
            unresolvable: true,
          };
    return { node: node.name, feasible: false, verdicts: [{ ...refusal, verdict: "refuses" as const }] };
  });
}

/**
 * Asks every score plugin about `nodes` (by name; default: those that are feasible): the points before and after normalising and weighing.
 * Normalising looks at all nodes given, so which are given matters.
 */
export function scorePod(
  pod: Pod,
  cluster: ClusterObjects,
  nodes?: readonly string[],
  profile: Profile = defaultProfile(),
): PluginScore[] {
  const { cache, info, framework, state } = prepare(pod, cluster, profile);
  if (framework.preFilter(info, state).kind === "refused") return [];
  const infos = (nodes ?? cluster.nodes.map(({ metadata }) => metadata.name ?? "")).map((name) => {
    const node = cache.node(name);
    if (node === undefined) throw new Error(`there is no node "${name}"`);
    return node;
  });
  const scored =
    nodes === undefined ? infos.filter((node) => framework.filter(info, node, state) === undefined) : infos;
  framework.preScore(info, scored, state);
  return framework.scoreAll(info, scored, state).map(({ plugin, weight, skipped, raw, normalized }) => ({
    plugin,
    weight,
    skipped,
    nodes: scored.map(({ name }, i) => ({
      node: name,
      raw: raw[i] as number,
      normalized: skipped ? 0 : (normalized[i] as number),
      weighted: skipped ? 0 : (normalized[i] as number) * weight,
    })),
  }));
}

/** Both, and who wins. All nodes are looked at, also in clusters of which the scheduler would look at a sample. */
export function explainPod(pod: Pod, cluster: ClusterObjects, profile: Profile = defaultProfile()): Explanation {
  const nodes = filterPod(pod, cluster, profile);
  const feasible = nodes.filter((node) => node.feasible).map(({ node }) => node);
  const scores = feasible.length === 0 ? [] : scorePod(pod, cluster, feasible, profile);
  const totals = feasible
    .map((node, i) => ({ node, score: scores.reduce((sum, plugin) => sum + (plugin.nodes[i]?.weighted ?? 0), 0) }))
    .sort((a, b) => b.score - a.score);
  const winners = totals.filter(({ score }) => score === totals[0]?.score).map(({ node }) => node);
  return { nodes, scores, totals, winners };
}
