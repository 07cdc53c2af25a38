import { equalJson } from "../../api/mod.ts";
import type { Cluster } from "../cluster.ts";
import type { Plugin, Rejection } from "../framework/plugin.ts";
import { allocatableOf, type NodeInfo } from "../node-info.ts";
import type { PodInfo } from "../pod-info.ts";
import { Resources } from "../resources.ts";
import {
  leastAllocated,
  mostAllocated,
  native,
  type ResourceWeight,
  requestedToCapacityRatio,
  type ShapePoint,
  type Strategy,
} from "./resource-strategies.ts";

export interface NodeResourcesFitArgs {
  /** Extended resources that somebody else checks: by name, and by the group before the slash. */
  readonly ignoredResources?: readonly string[];
  readonly ignoredResourceGroups?: readonly string[];
  readonly scoringStrategy?: {
    readonly type?: "LeastAllocated" | "MostAllocated" | "RequestedToCapacityRatio";
    readonly resources?: readonly ResourceWeight[];
    readonly requestedToCapacityRatio?: { readonly shape?: readonly ShapePoint[] };
  };
}

/**
 * What stays on the node whatever happens, for the question whether an event there may help: pods that are promised room there, and those that
 * preemption could not remove. A pod that was promised room itself waits for it instead of preempting again: for it, all stay.
 */
function staying(pod: PodInfo, node: NodeInfo, { nominations }: Cluster): { pods: number; requested: Resources } {
  const waits = nominations.nodeOf(pod.key) !== undefined;
  const requested = waits ? node.requested.clone() : new Resources();
  let pods = waits ? node.pods.size : 0;
  const stays = (other: PodInfo) => {
    requested.add(other.requests, 1);
    pods++;
  };
  if (!waits) for (const other of node.pods.values()) if (other.priority >= pod.priority) stays(other);
  for (const other of nominations.onNode(node.name)) {
    if (other.key !== pod.key && other.priority >= pod.priority && !node.pods.has(other.key)) stays(other);
  }
  return { pods, requested };
}

/** Stands for a slot among the pods of a node; no resource has this name. */
const slot = "";

/** Nodes that lack the same, thousands in a full cluster, share one rejection. */
class Rejections {
  readonly #known = new Map<string, Rejection>();
  readonly #most = 1000;

  /** `lacking`: names of resources, and the slot. */
  get(lacking: readonly string[], unresolvable: boolean): Rejection {
    const key = lacking.join();
    const known = this.#known.get(key);
    if (known?.unresolvable === unresolvable) return known;
    const reasons = lacking.map((name) => (name === slot ? "Too many pods" : `Insufficient ${name}`));
    const rejection = { reasons, unresolvable };
    if (this.#known.size >= this.#most) this.#known.clear();
    this.#known.set(key, rejection);
    return rejection;
  }
}

/** Amounts of resource `name` that would be requested of a node, the pod's included; scoring knows nobody who needs nothing. */
function requestedWith(name: string, pod: PodInfo, node: NodeInfo): number {
  if (name === "cpu" || name === "memory") return node.nonZeroRequested[name] + pod.nonZeroRequests[name];
  return node.requested.get(name) + pod.requests.get(name);
}

function strategyOf(args: NodeResourcesFitArgs, resources: readonly ResourceWeight[]): Strategy {
  const weights = resources.map(({ weight }) => weight);
  switch (args.scoringStrategy?.type) {
    case "MostAllocated":
      return mostAllocated(weights);
    case "RequestedToCapacityRatio":
      return requestedToCapacityRatio(weights, args.scoringStrategy.requestedToCapacityRatio?.shape ?? []);
    default:
      return leastAllocated(weights);
  }
}

/**
 * Every resource that the pod requests must be free on the node, and a slot for one more pod:
 * request <= allocatable - requested, pods + 1 <= allocatable pods (plugins/noderesources/fit.go). Score: a strategy, LeastAllocated
 * unless configured otherwise.
 */
export function nodeResourcesFit(args: NodeResourcesFitArgs = {}): Plugin {
  const ignored = new Set(args.ignoredResources);
  const ignoredGroups = new Set(args.ignoredResourceGroups);
  const ignoresSome = ignored.size + ignoredGroups.size > 0;
  const counts = (resource: string) =>
    native.has(resource) || !(ignored.has(resource) || ignoredGroups.has(resource.split("/", 1)[0] as string));
  const resources = args.scoringStrategy?.resources ?? [
    { name: "cpu", weight: 1 },
    { name: "memory", weight: 1 },
  ];
  const names = resources.map(({ name }) => name);
  const strategy = strategyOf(args, resources);
  const rejections = new Rejections();
  const couldFit = (pod: PodInfo, node: NodeInfo, cluster: Cluster): boolean => {
    const { pods, requested } = staying(pod, node, cluster);
    if (pods + 1 > node.allocatable.pods) return false;
    return !pod.requests.lacking(node.allocatable.resources, requested).some(counts);
  };
  return {
    name: "NodeResourcesFit",
    filter(pod, node) {
      const { pods, resources } = node.allocatable;
      const isFull = node.pods.size + 1 > pods;
      let lacking = pod.requests.lacking(resources, node.requested);
      if (ignoresSome) lacking = lacking.filter(counts);
      if (!isFull && lacking.length === 0) return undefined;
      // Even an empty node would be too small.
      const unresolvable = lacking.some((name) => pod.requests.get(name) > resources.get(name));
      return rejections.get(isFull ? [slot, ...lacking] : lacking, unresolvable);
    },
    signature: (pod) => [...pod.requests],
    score(pod, node) {
      const requested = names.map((name) => requestedWith(name, pod, node));
      const concerns = (name: string) => native.has(name) || pod.requests.get(name) > 0;
      const allocatable = names.map((name) => (concerns(name) ? node.allocatable.resources.get(name) : 0));
      return strategy(requested, allocatable);
    },
    events: new Set(["NodeAdd", "NodeUpdate", "AssignedPodDelete", "AssignedPodUpdate", "PodUpdate"]),
    mayHelp(event, pod, cluster) {
      const couldFitOn = (name: string | undefined) => {
        const node = cluster.node(name ?? "");
        return node !== undefined && couldFit(pod, node, cluster);
      };
      switch (event.kind) {
        case "NodeAdd":
          return couldFitOn(event.node.metadata.name);
        case "AssignedPodDelete":
          return couldFitOn(event.nodeName);
        case "AssignedPodUpdate":
          return couldFitOn(event.pod.spec?.nodeName);
        case "NodeUpdate": {
          const [before, now] = [allocatableOf(event.old), allocatableOf(event.node)];
          const grew = [...now.resources].some(([name, amount]) => amount > before.resources.get(name));
          return (grew || now.pods > before.pods) && couldFitOn(event.node.metadata.name);
        }
        case "PodUpdate":
          return !equalJson(event.old.spec?.containers, event.pod.spec?.containers);
        default:
          return false;
      }
    },
  };
}
