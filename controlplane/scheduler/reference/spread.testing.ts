import {
  fromLabelSelector,
  type LabelSelector,
  matchesLabels,
  type Node,
  type Pod,
  type Selector,
  type TopologySpreadConstraint,
} from "../../api/mod.ts";
import type { PluginArgs } from "../mod.ts";
import { forbiddingTaint, matchesRequiredAffinity } from "./nodes.testing.ts";
import { isTerminating, labelsOf, nameOf, namespaceOf, podsOn, type Refusal, type World } from "./world.testing.ts";

type SpreadArgs = NonNullable<PluginArgs["PodTopologySpread"]>;
type Action = "DoNotSchedule" | "ScheduleAnyway";

const hostname = "kubernetes.io/hostname";

interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selector: Selector;
  readonly honorAffinity: boolean;
  readonly honorTaints: boolean;
}

/** For pods without constraints of their own, where the configuration says nothing else. */
const systemDefaults: readonly TopologySpreadConstraint[] = [
  { maxSkew: 3, topologyKey: hostname, whenUnsatisfiable: "ScheduleAnyway" },
  { maxSkew: 5, topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway" },
];

const isSystem = (args: SpreadArgs) =>
  args.defaultingType === undefined ? args.defaultConstraints === undefined : args.defaultingType === "System";

function selectorOf(selector: LabelSelector | undefined): Selector {
  const result = fromLabelSelector(selector);
  return result.ok ? result.selector : "nothing";
}

/** Both must hold. */
function both(a: Selector, b: Selector): Selector {
  return a === "nothing" || b === "nothing" ? "nothing" : [...a, ...b];
}

function constraintsOf(pod: Pod, world: World, args: SpreadArgs, action: Action): Constraint[] {
  const own = pod.spec?.topologySpreadConstraints ?? [];
  if (own.length > 0) return own.filter((one) => one.whenUnsatisfiable === action).map((one) => read(one, pod));
  const selector = ownersSelector(pod, world);
  if (selector !== "nothing" && selector.length === 0) return [];
  return (isSystem(args) ? systemDefaults : (args.defaultConstraints ?? []))
    .filter((one) => one.whenUnsatisfiable === action)
    .map((one) => ({ ...read(one, pod), selector }));
}

function read(constraint: TopologySpreadConstraint, pod: Pod): Constraint {
  const labels = labelsOf(pod);
  const sameLabels = (constraint.matchLabelKeys ?? [])
    .filter((key) => labels[key] !== undefined)
    .map((key) => ({ key, operator: "=" as const, values: [labels[key] as string] }));
  return {
    topologyKey: constraint.topologyKey,
    maxSkew: constraint.maxSkew,
    minDomains: constraint.minDomains ?? 1,
    selector: both(selectorOf(constraint.labelSelector), sameLabels),
    honorAffinity: (constraint.nodeAffinityPolicy ?? "Honor") === "Honor",
    honorTaints: (constraint.nodeTaintsPolicy ?? "Ignore") === "Honor",
  };
}

/** What chooses the pod and its siblings: the Services that choose it and the controller that made it. Empty: nobody does. */
function ownersSelector(pod: Pod, world: World): Selector {
  const namespace = namespaceOf(pod);
  const equal = (labels: Readonly<Record<string, string>> | undefined): Selector =>
    Object.entries(labels ?? {}).map(([key, value]) => ({ key, operator: "=" as const, values: [value] }));
  let selector: Selector = [];
  for (const { metadata, spec } of world.objects.services ?? []) {
    if (metadata.namespace !== namespace || spec?.selector === undefined) continue;
    if (matchesLabels(equal(spec.selector), labelsOf(pod))) selector = both(selector, equal(spec.selector));
  }
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return selector;
  const isOwner = (object: { metadata: { name?: string; namespace?: string } }) =>
    nameOf(object) === owner.name && namespaceOf(object) === namespace;
  switch (`${owner.apiVersion} ${owner.kind}`) {
    case "v1 ReplicationController": {
      const found = (world.objects.replicationControllers ?? []).find(isOwner);
      return found === undefined ? selector : both(selector, equal(found.spec?.selector));
    }
    case "apps/v1 ReplicaSet": {
      const found = (world.objects.replicaSets ?? []).find(isOwner);
      return found === undefined ? selector : both(selector, selectorOf(found.spec?.selector));
    }
    case "apps/v1 StatefulSet": {
      const found = (world.objects.statefulSets ?? []).find(isOwner);
      return found === undefined ? selector : both(selector, selectorOf(found.spec?.selector));
    }
    default:
      return selector;
  }
}

/** Pods that leave do not count; nor do any where the selector has no requirement at all. */
function matchingPods(node: Node, world: World, pod: Pod, { selector }: Constraint): number {
  if (selector !== "nothing" && selector.length === 0) return 0;
  return podsOn(world, node).filter(
    (other) =>
      !isTerminating(other) && namespaceOf(other) === namespaceOf(pod) && matchesLabels(selector, labelsOf(other)),
  ).length;
}

const domainOf = (node: Node, constraint: Constraint): string | undefined => labelsOf(node)[constraint.topologyKey];

const hasAllKeys = (node: Node, constraints: readonly Constraint[]): boolean =>
  constraints.every((constraint) => domainOf(node, constraint) !== undefined);

function isIncluded(node: Node, pod: Pod, constraint: Constraint): boolean {
  if (constraint.honorAffinity && !matchesRequiredAffinity(pod, node)) return false;
  return !constraint.honorTaints || forbiddingTaint(pod, node) === undefined;
}

export function hasHardConstraints(pod: Pod, world: World, args: SpreadArgs = {}): boolean {
  return constraintsOf(pod, world, args, "DoNotSchedule").length > 0;
}

/** In each domain: pods there + itself if it counts - the fewest in any domain <= maxSkew. */
export function spread(pod: Pod, node: Node, world: World, args: SpreadArgs = {}): Refusal | undefined {
  const constraints = constraintsOf(pod, world, args, "DoNotSchedule");
  for (const constraint of constraints) {
    const domain = domainOf(node, constraint);
    if (domain === undefined) {
      const reason = "node(s) didn't match pod topology spread constraints (missing required label)";
      return { reasons: [reason], unresolvable: true };
    }
    const eligible = world.nodes.filter(
      (other) => hasAllKeys(other, constraints) && isIncluded(other, pod, constraint),
    );
    const domains = [...new Set(eligible.map((other) => domainOf(other, constraint)))];
    const inDomain = (wanted: string | undefined) =>
      eligible
        .filter((other) => domainOf(other, constraint) === wanted)
        .reduce((so, other) => so + matchingPods(other, world, pod, constraint), 0);
    const fewest = domains.length < constraint.minDomains ? 0 : Math.min(...domains.map(inDomain));
    const self = matchesLabels(constraint.selector, labelsOf(pod)) ? 1 : 0;
    if (inDomain(domain) + self - fewest > constraint.maxSkew) {
      return { reasons: ["node(s) didn't match pod topology spread constraints"], unresolvable: false };
    }
  }
  return undefined;
}

/**
 * Per constraint: pods in the domain x ln(domains + 2) + (maxSkew - 1). `candidates` are the nodes that are scored; "ignored": the node
 * lacks a key and will get nothing.
 */
export function spreadScore(
  pod: Pod,
  node: Node,
  candidates: readonly Node[],
  world: World,
  args: SpreadArgs = {},
): number | "ignored" | undefined {
  const constraints = constraintsOf(pod, world, args, "ScheduleAnyway");
  if (constraints.length === 0) return undefined;
  // Without a zone, the system's own constraints still spread over hosts.
  const needsAllKeys = (pod.spec?.topologySpreadConstraints ?? []).length > 0 || !isSystem(args);
  const counts = (other: Node) => !needsAllKeys || hasAllKeys(other, constraints);
  if (!counts(node)) return "ignored";
  const scored = candidates.filter(counts);
  let score = 0;
  for (const constraint of constraints) {
    const domain = domainOf(node, constraint);
    if (domain === undefined) continue;
    const isHost = constraint.topologyKey === hostname;
    // Nodes without the key, which only the system's constraints allow, are one domain together.
    const domains = isHost ? scored.length : new Set(scored.map((other) => domainOf(other, constraint))).size;
    const peers = world.nodes.filter(
      (other) => counts(other) && domainOf(other, constraint) === domain && isIncluded(other, pod, constraint),
    );
    const pods = (isHost ? [node] : peers).reduce((so, other) => so + matchingPods(other, world, pod, constraint), 0);
    score += pods * Math.log(domains + 2) + (constraint.maxSkew - 1);
  }
  return Math.round(score);
}

/** 100 x (max + min - score) / max. */
export function normalizeSpread(scores: readonly (number | "ignored")[]): number[] {
  const numbers = scores.filter((score) => score !== "ignored");
  const [max, min] = [Math.max(0, ...numbers), Math.min(...numbers)];
  return scores.map((score) => {
    if (score === "ignored") return 0;
    return max === 0 ? 100 : Math.trunc((100 * (max + min - score)) / max);
  });
}
