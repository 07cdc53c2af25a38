import { equalJson, type Pod } from "../../api/mod.ts";
import { type AffinityTerm, termMatches } from "../affinity-term.ts";
import type { Cluster, Objects } from "../cluster.ts";
import { StateKey } from "../framework/cycle-state.ts";
import { maxNodeScore, type Plugin } from "../framework/plugin.ts";
import type { NodeInfo } from "../node-info.ts";
import { type PodInfo, podInfo } from "../pod-info.ts";

export interface InterPodAffinityArgs {
  /** Weight of existing pods' required affinity when scoring. Default 1. */
  readonly hardPodAffinityWeight?: number;
  /** Unless the incoming pod has preferences itself. Default false. */
  readonly ignorePreferredTermsOfExistingPods?: boolean;
}

/** Numbers by topology key and value. No entry is zero. */
class TopologyCounts {
  readonly byKey = new Map<string, Map<string, number>>();

  get isEmpty(): boolean {
    return this.byKey.size === 0;
  }

  of(key: string, value: string | undefined): number {
    return value === undefined ? 0 : (this.byKey.get(key)?.get(value) ?? 0);
  }

  add(key: string, value: string | undefined, by: number): void {
    if (value === undefined || by === 0) return;
    const values = this.byKey.get(key) ?? new Map<string, number>();
    this.byKey.set(key, values);
    const sum = (values.get(value) ?? 0) + by;
    if (sum !== 0) values.set(value, sum);
    else if (values.delete(value) && values.size === 0) this.byKey.delete(key);
  }

  clone(): TopologyCounts {
    const clone = new TopologyCounts();
    for (const [key, values] of this.byKey) clone.byKey.set(key, new Map(values));
    return clone;
  }
}

/** For filter: which domains the pod may or must be in. */
interface Required {
  /** Existing pods that must not have this pod near them. */
  readonly existingAnti: TopologyCounts;
  /** Existing pods that meet all of this pod's affinity terms. */
  readonly affinity: TopologyCounts;
  /** Existing pods that this pod must not be near. */
  readonly anti: TopologyCounts;
}

const requiredKey = new StateKey<Required>("InterPodAffinity.required", (required) => ({
  existingAnti: required.existingAnti.clone(),
  affinity: required.affinity.clone(),
  anti: required.anti.clone(),
}));

const scoresKey = new StateKey<TopologyCounts>("InterPodAffinity.scores");

function matches(term: AffinityTerm, pod: PodInfo, objects: Objects): boolean {
  return termMatches(term, pod.namespace, pod.labels, objects);
}

/** A pod counts for affinity only if it meets every term. */
function matchesAll(terms: readonly AffinityTerm[], pod: PodInfo, objects: Objects): boolean {
  return terms.length > 0 && terms.every((term) => matches(term, pod, objects));
}

function countExistingAnti(
  counts: TopologyCounts,
  pod: PodInfo,
  other: PodInfo,
  node: NodeInfo,
  objects: Objects,
  by: number,
) {
  for (const term of other.requiredAntiAffinity) {
    if (matches(term, pod, objects)) counts.add(term.topologyKey, node.labels[term.topologyKey], by);
  }
}

function countIncoming(required: Required, pod: PodInfo, other: PodInfo, node: NodeInfo, objects: Objects, by: number) {
  if (matchesAll(pod.requiredAffinity, other, objects)) {
    for (const { topologyKey } of pod.requiredAffinity)
      required.affinity.add(topologyKey, node.labels[topologyKey], by);
  }
  for (const term of pod.requiredAntiAffinity) {
    if (matches(term, other, objects)) required.anti.add(term.topologyKey, node.labels[term.topologyKey], by);
  }
}

function change(
  required: Required | undefined,
  pod: PodInfo,
  other: PodInfo,
  node: NodeInfo,
  cluster: Cluster,
  by: 1 | -1,
) {
  if (required === undefined) return;
  countExistingAnti(required.existingAnti, pod, other, node, cluster.objects, by);
  countIncoming(required, pod, other, node, cluster.objects, by);
}

function satisfiesAffinity(pod: PodInfo, node: NodeInfo, { affinity }: Required, objects: Objects): boolean {
  let found = true;
  for (const { topologyKey } of pod.requiredAffinity) {
    const value = node.labels[topologyKey];
    if (value === undefined) return false;
    if (affinity.of(topologyKey, value) <= 0) found = false;
  }
  // The first of a set of pods that want to be together has nobody to join: it may go anywhere.
  return found || (affinity.isEmpty && matchesAll(pod.requiredAffinity, pod, objects));
}

/** Adds up what a pod that is there already says of the new one, and the new one of it. */
function weigh(scores: TopologyCounts, pod: PodInfo, other: PodInfo, node: NodeInfo, objects: Objects, args: Settings) {
  const add = (term: AffinityTerm, by: number) => scores.add(term.topologyKey, node.labels[term.topologyKey], by);
  for (const term of pod.preferredAffinity) if (matches(term, other, objects)) add(term, term.weight);
  for (const term of pod.preferredAntiAffinity) if (matches(term, other, objects)) add(term, -term.weight);
  if (args.hardPodAffinityWeight > 0) {
    for (const term of other.requiredAffinity) if (matches(term, pod, objects)) add(term, args.hardPodAffinityWeight);
  }
  for (const term of other.preferredAffinity) if (matches(term, pod, objects)) add(term, term.weight);
  for (const term of other.preferredAntiAffinity) if (matches(term, pod, objects)) add(term, -term.weight);
}

type Settings = { readonly [K in keyof InterPodAffinityArgs]-?: Exclude<InterPodAffinityArgs[K], undefined> };

/**
 * Keeps pods near or away from others, "near" being the same value of a node label (plugins/interpodaffinity).
 *
 * Filter: in the node's domains there is a pod for each required affinity term (or nowhere one, and the pod meets its own terms); none that
 * a required anti-affinity term means; none whose anti-affinity means this pod. Score: per domain the sum of the weights of preferred terms,
 * negative for anti-affinity, both ways round, required affinity of existing pods weighing 1; 100 x (s - min) / (max - min).
 */
export function interPodAffinity(given: InterPodAffinityArgs = {}): Plugin {
  const args: Settings = { hardPodAffinityWeight: 1, ignorePreferredTermsOfExistingPods: false, ...given };
  return {
    name: "InterPodAffinity",
    preFilter(pod, cluster, state) {
      const { objects } = cluster;
      const required: Required = {
        existingAnti: new TopologyCounts(),
        affinity: new TopologyCounts(),
        anti: new TopologyCounts(),
      };
      for (const node of cluster.nodesWithRequiredAntiAffinity) {
        for (const other of node.podsWithRequiredAntiAffinity) {
          countExistingAnti(required.existingAnti, pod, other, node, objects, 1);
        }
      }
      const hasTerms = pod.requiredAffinity.length + pod.requiredAntiAffinity.length > 0;
      if (!hasTerms && required.existingAnti.isEmpty) return "skip";
      if (hasTerms) {
        for (const node of cluster.nodes) {
          for (const other of node.pods.values()) countIncoming(required, pod, other, node, objects, 1);
        }
      }
      state.set(requiredKey, required);
      return undefined;
    },
    addPod: (pod, added, node, state, cluster) => change(state.get(requiredKey), pod, added, node, cluster, 1),
    removePod: (pod, removed, node, state, cluster) => change(state.get(requiredKey), pod, removed, node, cluster, -1),
    filter(pod, node, state, { objects }) {
      const required = state.get(requiredKey);
      if (required === undefined) return undefined;
      if (!satisfiesAffinity(pod, node, required, objects)) {
        return { reasons: ["node(s) didn't match pod affinity rules"], unresolvable: true };
      }
      for (const { topologyKey } of pod.requiredAntiAffinity) {
        if (required.anti.of(topologyKey, node.labels[topologyKey]) > 0) {
          return { reasons: ["node(s) didn't match pod anti-affinity rules"], unresolvable: false };
        }
      }
      for (const [key, values] of required.existingAnti.byKey) {
        const value = node.labels[key];
        if (value !== undefined && (values.get(value) ?? 0) > 0) {
          return { reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"], unresolvable: false };
        }
      }
      return undefined;
    },
    preScore(pod, _nodes, cluster, state) {
      const scores = new TopologyCounts();
      const hasTerms = pod.preferredAffinity.length + pod.preferredAntiAffinity.length > 0;
      if (!hasTerms && args.ignorePreferredTermsOfExistingPods) return "skip";
      // Pods without affinity have no say of their own: they matter only to a pod that has.
      for (const node of hasTerms ? cluster.nodes : cluster.nodesWithAffinity) {
        const others = hasTerms ? node.pods.values() : node.podsWithAffinity;
        for (const other of others) weigh(scores, pod, other, node, cluster.objects, args);
      }
      if (scores.isEmpty) return "skip";
      state.set(scoresKey, scores);
      return undefined;
    },
    score(_pod, node, state) {
      let sum = 0;
      for (const [key, values] of state.get(scoresKey)?.byKey ?? []) {
        const value = node.labels[key];
        if (value !== undefined) sum += values.get(value) ?? 0;
      }
      return sum;
    },
    normalize(scores) {
      let min = Number.POSITIVE_INFINITY;
      let max = Number.NEGATIVE_INFINITY;
      for (const score of scores) {
        if (score < min) min = score;
        if (score > max) max = score;
      }
      const range = max - min;
      for (const [i, score] of scores.entries()) {
        scores[i] = range > 0 ? Math.trunc(maxNodeScore * ((score - min) / range)) : 0;
      }
    },
    events: new Set([
      "NodeAdd",
      "NodeUpdate",
      "AssignedPodAdd",
      "AssignedPodUpdate",
      "AssignedPodDelete",
      "PodUpdate",
      "NamespaceChange",
    ]),
    mayHelp(event, pod, { objects }) {
      /** A pod that comes helps a pod that wants to be near it. */
      const isWanted = (other: Pod) => {
        const { namespace = "", labels } = other.metadata;
        return pod.requiredAffinity.some((term) => termMatches(term, namespace, labels, objects));
      };
      /** A pod that goes helps a pod that avoids it or that it avoids. */
      const isInTheWay = (other: Pod) => {
        const { namespace = "", labels } = other.metadata;
        if (pod.requiredAntiAffinity.some((term) => termMatches(term, namespace, labels, objects))) return true;
        if (other.spec?.affinity?.podAntiAffinity === undefined) return false;
        return podInfo(other).requiredAntiAffinity.some((term) => matches(term, pod, objects));
      };
      switch (event.kind) {
        case "AssignedPodAdd":
          return isWanted(event.pod);
        case "AssignedPodDelete":
          return isInTheWay(event.pod);
        case "AssignedPodUpdate":
          if (equalJson(event.old.metadata.labels, event.pod.metadata.labels)) return false;
          return isWanted(event.pod) || isInTheWay(event.old);
        case "NodeAdd":
          return true;
        case "NodeUpdate":
          return !equalJson(event.old.metadata.labels, event.node.metadata.labels);
        case "NamespaceChange":
          return !equalJson(event.old?.metadata.labels, event.namespace.metadata.labels);
        case "PodUpdate":
          return !equalJson(event.old.metadata.labels, event.pod.metadata.labels);
        default:
          return false;
      }
    },
  };
}
