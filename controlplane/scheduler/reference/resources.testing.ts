import type { Node, Pod } from "../../api/mod.ts";
import type { PluginArgs } from "../mod.ts";
import {
  allocatable,
  guessedRequestedOn,
  guessedRequestsOf,
  isScalar,
  requestedOn,
  requestsOf,
} from "./requests.testing.ts";
import { podsOn, type Refusal, type World } from "./world.testing.ts";

type FitArgs = NonNullable<PluginArgs["NodeResourcesFit"]>;
type BalancedArgs = NonNullable<PluginArgs["NodeResourcesBalancedAllocation"]>;
interface Use {
  readonly requested: number;
  readonly allocatable: number;
  readonly weight: number;
}

const cpuAndMemory = [
  { name: "cpu", weight: 1 },
  { name: "memory", weight: 1 },
];

/** pods + 1 <= allocatable pods, and request <= allocatable - requested for everything that is asked for. */
export function fits(pod: Pod, node: Node, world: World, args: FitArgs = {}): Refusal | undefined {
  const reasons: string[] = [];
  let unresolvable = false;
  const pods = podsOn(world, node).length;
  if (pods + 1 > allocatable(node, "pods")) reasons.push("Too many pods");
  for (const [resource, request] of Object.entries(requestsOf(pod))) {
    if (request === 0 || isIgnored(resource, args)) continue;
    if (request > allocatable(node, resource) - requestedOn(world, node, resource)) {
      reasons.push(`Insufficient ${resource}`);
      if (request > allocatable(node, resource)) unresolvable = true;
    }
  }
  return reasons.length === 0 ? undefined : { reasons, unresolvable };
}

/** Only extended resources can be left to somebody else: those have a domain that is not Kubernetes' own. */
function isIgnored(resource: string, { ignoredResources = [], ignoredResourceGroups = [] }: FitArgs): boolean {
  const [domain, name] = resource.split("/") as [string, string | undefined];
  if (name === undefined || domain === "kubernetes.io" || domain.endsWith(".kubernetes.io")) return false;
  return ignoredResources.includes(resource) || ignoredResourceGroups.includes(domain);
}

/** The node's use of each resource with the pod on it; resources that do not concern the pod or the node are left out. */
function uses(
  pod: Pod,
  node: Node,
  world: World,
  resources: readonly { readonly name: string; readonly weight?: number }[],
  guess: boolean,
): Use[] {
  return resources
    .map(({ name, weight = 1 }) => {
      const guessed = guess && (name === "cpu" || name === "memory");
      const request = (guess ? guessedRequestsOf(pod) : requestsOf(pod))[name] ?? 0;
      const before = guessed ? guessedRequestedOn(world, node, name) : requestedOn(world, node, name);
      const concerns = request > 0 || !isScalar(name);
      return { requested: before + request, allocatable: concerns ? allocatable(node, name) : 0, weight };
    })
    .filter((use) => use.allocatable > 0);
}

export function fitScore(pod: Pod, node: Node, world: World, args: FitArgs = {}): number {
  const { type = "LeastAllocated", resources, requestedToCapacityRatio } = args.scoringStrategy ?? {};
  const all = uses(pod, node, world, resources?.length ? resources : cpuAndMemory, true);
  switch (type) {
    case "LeastAllocated":
      return weightedMean(all, leastAllocated, Math.trunc);
    case "MostAllocated":
      return weightedMean(all, mostAllocated, Math.trunc);
    case "RequestedToCapacityRatio": {
      const shape = requestedToCapacityRatio?.shape ?? [];
      const scored = all.filter((use) => ratio(use, shape) > 0);
      return weightedMean(scored, (use) => ratio(use, shape), Math.round);
    }
  }
}

function weightedMean(all: readonly Use[], points: (use: Use) => number, round: (mean: number) => number): number {
  let total = 0;
  let weights = 0;
  for (const use of all) {
    total += points(use) * use.weight;
    weights += use.weight;
  }
  return weights === 0 ? 0 : round(total / weights);
}

function leastAllocated(use: Use): number {
  return use.requested > use.allocatable ? 0 : Math.trunc(((use.allocatable - use.requested) * 100) / use.allocatable);
}

function mostAllocated(use: Use): number {
  return Math.trunc((Math.min(use.requested, use.allocatable) * 100) / use.allocatable);
}

/** Straight lines between the points of the shape; its scores go to 10, a node's to 100. */
function ratio(use: Use, shape: readonly { readonly utilization: number; readonly score: number }[]): number {
  const utilization = Math.trunc((Math.min(use.requested, use.allocatable) * 100) / use.allocatable);
  const points = shape.map((point) => ({ x: point.utilization, y: point.score * 10 }));
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) return 0;
  if (utilization <= first.x) return first.y;
  for (const [i, right] of points.entries()) {
    const left = points[i - 1];
    if (left !== undefined && utilization <= right.x) {
      return left.y + Math.trunc(((right.y - left.y) * (utilization - left.x)) / (right.x - left.x));
    }
  }
  return last.y;
}

/** (1 - standard deviation of the shares in use) x 100; undefined for a pod that asks for nothing. */
export function balancedScore(pod: Pod, node: Node, world: World, args: BalancedArgs = {}): number | undefined {
  const resources = args.resources?.length ? args.resources : cpuAndMemory;
  if (resources.every(({ name }) => (requestsOf(pod)[name] ?? 0) === 0)) return undefined;
  const shares = uses(pod, node, world, resources, false).map((use) => Math.min(1, use.requested / use.allocatable));
  return Math.trunc((1 - deviation(shares)) * 100);
}

function deviation(shares: readonly number[]): number {
  if (shares.length < 2) return 0;
  if (shares.length === 2) return Math.abs(((shares[0] as number) - (shares[1] as number)) / 2);
  const mean = shares.reduce((so, share) => so + share, 0) / shares.length;
  return Math.sqrt(shares.reduce((so, share) => so + (share - mean) * (share - mean), 0) / shares.length);
}
