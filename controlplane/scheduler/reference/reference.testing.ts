/**
 * What a scheduler must say, written from the published formulas as plainly as possible: every question walks through plain lists, nothing is
 * kept between questions. It shares with the scheduler only the API's types, selectors and quantities, and its authors read none of the
 * plugins before it stood. Sources: the documentation of kube-scheduler 1.33 and the formulas of its plugins.
 */
import type { Node, Pod } from "../../api/mod.ts";
import type { ClusterObjects, PluginArgs } from "../mod.ts";
import {
  imageScore,
  namedNodes,
  nodeAffinity,
  nodeAffinityScore,
  nodeName,
  nodePorts,
  nodeUnschedulable,
  taintScore,
  taints,
} from "./nodes.testing.ts";
import { concernsNobody, normalizePodAffinity, podAffinity, podAffinityScores } from "./pod-affinity.testing.ts";
import { balancedScore, fitScore, fits } from "./resources.testing.ts";
import { hasHardConstraints, normalizeSpread, spread, spreadScore } from "./spread.testing.ts";
import { bindsVolumes, claimsRefused, limitsVolumes, restrictsVolumes, zonesVolumes } from "./volumes.testing.ts";
import { nameOf, type Refusal, type World, worldOf } from "./world.testing.ts";

export interface ReferenceVerdict {
  readonly node: string;
  readonly feasible: boolean;
  /** By plugin; plugins that take the node are not in it. */
  readonly refusals: Readonly<Record<string, Refusal>>;
  /** What a pod that is scheduled meets first: it is tried beside the pods that were promised room, and then without them. */
  readonly first: Refusal | undefined;
}

export interface ReferenceScore {
  readonly raw: readonly number[];
  readonly normalized: readonly number[];
  readonly weight: number;
}

type Filter = (pod: Pod, node: Node, world: World) => Refusal | undefined;

/** In the order in which they are asked. */
function filters(args: PluginArgs): readonly (readonly [string, Filter])[] {
  return [
    ["NodeUnschedulable", nodeUnschedulable],
    ["NodeName", nodeName],
    ["TaintToleration", taints],
    ["NodeAffinity", (pod, node) => nodeAffinity(pod, node, args.NodeAffinity)],
    ["NodePorts", nodePorts],
    ["NodeResourcesFit", (pod, node, world) => fits(pod, node, world, args.NodeResourcesFit)],
    ["VolumeRestrictions", restrictsVolumes],
    ["NodeVolumeLimits", limitsVolumes],
    ["VolumeBinding", bindsVolumes],
    ["VolumeZone", zonesVolumes],
    ["PodTopologySpread", (pod, node, world) => spread(pod, node, world, args.PodTopologySpread)],
    ["InterPodAffinity", podAffinity],
  ];
}

/** What is known before any node is looked at. */
function refusedEverywhere(pod: Pod, world: World): readonly [string, Refusal] | undefined {
  if (namedNodes(pod)?.length === 0) {
    return ["NodeAffinity", { reasons: ["pod affinity terms conflict"], unresolvable: true }];
  }
  return claimsRefused(pod, world);
}

/** Plugins that see from the start that they have nothing to say are not asked again when promised pods are added. */
function stillAsked(plugin: string, pod: Pod, world: World, args: PluginArgs): boolean {
  if (plugin === "InterPodAffinity") return !concernsNobody(pod, world);
  if (plugin === "PodTopologySpread") return hasHardConstraints(pod, world, args.PodTopologySpread);
  return true;
}

/** Pods that preemption made room for on the node and that are at least as important. */
function promised(pod: Pod, node: Node, objects: ClusterObjects): Pod[] {
  return (objects.pods ?? [])
    .filter(
      (other) =>
        !other.spec?.nodeName &&
        other.status?.nominatedNodeName === nameOf(node) &&
        other.status.phase !== "Succeeded" &&
        other.status.phase !== "Failed" &&
        (other.spec?.priority ?? 0) >= (pod.spec?.priority ?? 0),
    )
    .filter((other) => nameOf(other) !== nameOf(pod) || other.metadata.namespace !== pod.metadata.namespace)
    .map((other) => ({ ...other, spec: { ...other.spec, nodeName: nameOf(node) } as Pod["spec"] }));
}

/** `before`: the cluster of which preemption imagines `objects`, with some pods gone. */
export function referenceFilter(
  pod: Pod,
  objects: ClusterObjects,
  args: PluginArgs = {},
  before: ClusterObjects = objects,
): ReferenceVerdict[] {
  const world = worldOf(objects, pod);
  const everywhere = refusedEverywhere(pod, world);
  const named = namedNodes(pod);
  return world.nodes.map((node) => {
    const refusedBy = (refusals: Record<string, Refusal>, first = Object.values(refusals)[0]): ReferenceVerdict => ({
      node: nameOf(node),
      feasible: first === undefined,
      refusals,
      first,
    });
    if (everywhere !== undefined) return refusedBy(Object.fromEntries([everywhere]));
    if (named !== undefined && !named.includes(nameOf(node))) {
      return refusedBy({
        NodeAffinity: { reasons: ["node(s) didn't satisfy plugin(s) [NodeAffinity]"], unresolvable: true },
      });
    }
    const refusals = ask(filters(args), pod, node, world);
    const fuller = { ...world, pods: [...world.pods, ...promised(pod, node, objects)] };
    const asked = filters(args).filter(([plugin]) => stillAsked(plugin, pod, worldOf(before, pod), args));
    const [withPromised] = Object.entries(ask(asked, pod, node, fuller));
    if (withPromised === undefined) return refusedBy(refusals);
    const [plugin, refusal] = withPromised;
    if (Object.keys(refusals).length > 0) return refusedBy(refusals, refusal);
    const reasons = refusal.reasons.map((reason) => `${reason} (with pods nominated for the node)`);
    return refusedBy({ [plugin]: { ...refusal, reasons } }, refusal);
  });
}

function ask(plugins: readonly (readonly [string, Filter])[], pod: Pod, node: Node, world: World) {
  const refusals: Record<string, Refusal> = {};
  for (const [plugin, filter] of plugins) {
    const refusal = filter(pod, node, world);
    if (refusal !== undefined) refusals[plugin] = refusal;
  }
  return refusals;
}

/** x 100 / max; `reversed`: what has most gets nothing. */
function normalize(scores: readonly number[], reversed = false): number[] {
  const max = Math.max(0, ...scores);
  const scaled = scores.map((score) => (max === 0 ? 0 : Math.trunc((score * 100) / max)));
  return reversed ? scaled.map((score) => 100 - score) : scaled;
}

/** Of each plugin for each of `names`; a plugin that has nothing to say about the pod is missing. */
export function referenceScores(
  pod: Pod,
  objects: ClusterObjects,
  names: readonly string[],
  args: PluginArgs = {},
): Readonly<Record<string, ReferenceScore>> {
  const world = worldOf(objects, pod);
  const nodes = names.map((name) => world.nodes.find((node) => nameOf(node) === name) as Node);
  const scores: Record<string, ReferenceScore> = {};
  if (nodes.length === 0) return scores;
  const add = (plugin: string, weight: number, raw: readonly number[], normalized: readonly number[]) => {
    scores[plugin] = { weight, raw, normalized };
  };
  const everyone = <T>(points: (node: Node) => T | undefined): T[] | undefined => {
    const all = nodes.map(points);
    return all.some((one) => one === undefined) ? undefined : (all as T[]);
  };

  const unwanted = nodes.map((node) => taintScore(pod, node));
  add("TaintToleration", 3, unwanted, normalize(unwanted, true));

  const liked = everyone((node) => nodeAffinityScore(pod, node, args.NodeAffinity));
  if (liked !== undefined) add("NodeAffinity", 2, liked, normalize(liked));

  const fitting = nodes.map((node) => fitScore(pod, node, world, args.NodeResourcesFit));
  add("NodeResourcesFit", 1, fitting, fitting);

  const spreading = everyone((node) => spreadScore(pod, node, nodes, world, args.PodTopologySpread));
  if (spreading !== undefined) {
    const raw = spreading.map((score) => (score === "ignored" ? 0 : score));
    add("PodTopologySpread", 2, raw, normalizeSpread(spreading));
  }

  const near = podAffinityScores(pod, nodes, world, args.InterPodAffinity);
  if (near !== undefined) add("InterPodAffinity", 2, near, normalizePodAffinity(near));

  const balanced = everyone((node) => balancedScore(pod, node, world, args.NodeResourcesBalancedAllocation));
  if (balanced !== undefined) add("NodeResourcesBalancedAllocation", 1, balanced, balanced);

  const images = nodes.map((node) => imageScore(pod, node, world));
  add("ImageLocality", 1, images, images);
  return scores;
}
