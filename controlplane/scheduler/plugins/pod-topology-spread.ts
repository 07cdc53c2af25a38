import { equalJson, matchesLabels, type Pod, type Selector, type TopologySpreadConstraint } from "../../api/mod.ts";
import { narrowed, selectorOf } from "../affinity-term.ts";
import type { Cluster } from "../cluster.ts";
import { StateKey } from "../framework/cycle-state.ts";
import { maxNodeScore, type Plugin } from "../framework/plugin.ts";
import { interned } from "../interned.ts";
import type { NodeInfo } from "../node-info.ts";
import type { PodInfo } from "../pod-info.ts";
import { allowsNode } from "./node-affinity.ts";
import { ownerSelector } from "./owner-selector.ts";
import { untolerated } from "./taint-toleration.ts";

export interface PodTopologySpreadArgs {
  /** For pods without constraints of their own. */
  readonly defaultConstraints?: readonly TopologySpreadConstraint[];
  readonly defaultingType?: "System" | "List";
}

const hostname = "kubernetes.io/hostname";

const systemDefaults: readonly TopologySpreadConstraint[] = [
  { topologyKey: hostname, whenUnsatisfiable: "ScheduleAnyway", maxSkew: 3 },
  { topologyKey: "topology.kubernetes.io/zone", whenUnsatisfiable: "ScheduleAnyway", maxSkew: 5 },
];

/** A constraint made ready: what was left out is filled in. */
interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly selector: Selector;
  /** Names the namespace and the selector: by it, nodes remember how many pods match. */
  readonly group: string;
  /** Also false where the pod takes any node. */
  readonly honorAffinity: boolean;
  readonly honorTaints: boolean;
}

/** `selector`: where the constraint names none. */
function constraintOf(constraint: TopologySpreadConstraint, pod: PodInfo, selector?: Selector): Constraint {
  const { labelSelector, matchLabelKeys } = constraint;
  const chosen = selector ?? narrowed(selectorOf(labelSelector), matchLabelKeys, pod.labels, "in");
  const { nodeSelector, affinity } = pod.pod.spec ?? {};
  const isChoosy = nodeSelector !== undefined || affinity?.nodeAffinity !== undefined;
  return {
    topologyKey: interned(constraint.topologyKey),
    maxSkew: constraint.maxSkew,
    minDomains: constraint.minDomains ?? 1,
    selector: chosen,
    group: interned(JSON.stringify([pod.namespace, chosen])),
    honorAffinity: constraint.nodeAffinityPolicy !== "Ignore" && isChoosy,
    honorTaints: constraint.nodeTaintsPolicy === "Honor",
  };
}

/** Whether the node's domain counts for the pod at all. */
function includes(constraint: Constraint, pod: PodInfo, { node, taints }: NodeInfo): boolean {
  if (constraint.honorAffinity && !allowsNode(pod.pod, node)) return false;
  return !constraint.honorTaints || untolerated(pod, taints) === undefined;
}

function hasAllKeys(constraints: readonly Constraint[], labels: Readonly<Record<string, string>>): boolean {
  for (const { topologyKey } of constraints) if (labels[topologyKey] === undefined) return false;
  return true;
}

function isCounted(pod: PodInfo, namespace: string, selector: Selector): boolean {
  // A selector without requirements counts nobody: a quirk of the original (common.go, countPodsMatchSelector).
  if (selector.length === 0) return false;
  // Pods that are leaving make room soon.
  if (pod.namespace !== namespace || pod.pod.metadata.deletionTimestamp !== undefined) return false;
  return matchesLabels(selector, pod.labels);
}

function countOn(node: NodeInfo, namespace: string, { selector, group }: Constraint): number {
  if (node.matching?.group !== group) {
    let count = 0;
    for (const pod of node.pods.values()) if (isCounted(pod, namespace, selector)) count++;
    node.matching = { group, count };
  }
  return node.matching.count;
}

/** Of one hard constraint: matching pods by value of the topology key. */
interface Domains {
  readonly constraint: Constraint;
  readonly counts: Map<string, number>;
  /** The fewest, over all domains; undefined: to be looked for again. */
  fewest: number | undefined;
  /** 1 if the pod matches its own selector. */
  readonly self: number;
}

const domainsKey = new StateKey<Domains[]>("PodTopologySpread.domains", (all) =>
  all.map((domains) => ({ ...domains, counts: new Map(domains.counts) })),
);

/** The global minimum of a constraint; zero while there are too few domains. */
function globalMinimum(domains: Domains): number {
  if (domains.counts.size < domains.constraint.minDomains) return 0;
  if (domains.fewest === undefined) {
    domains.fewest = Number.MAX_SAFE_INTEGER;
    for (const count of domains.counts.values()) if (count < domains.fewest) domains.fewest = count;
  }
  return domains.fewest;
}

function change(all: Domains[] | undefined, pod: PodInfo, other: PodInfo, node: NodeInfo, by: 1 | -1): void {
  if (all === undefined) return;
  const constraints = all.map(({ constraint }) => constraint);
  if (!hasAllKeys(constraints, node.labels)) return;
  for (const domains of all) {
    const { constraint, counts } = domains;
    if (!isCounted(other, pod.namespace, constraint.selector) || !includes(constraint, pod, node)) continue;
    const value = node.labels[constraint.topologyKey] as string;
    counts.set(value, (counts.get(value) ?? 0) + by);
    domains.fewest = undefined;
  }
}

/** Of the soft constraints: what `score` needs for each node. */
interface Spread {
  readonly constraints: readonly Constraint[];
  /** By constraint: matching pods by value; nothing for the host name, whose nodes are counted one by one. */
  readonly counts: readonly Map<string, number>[];
  /** By constraint: ln(domains + 2), so that many small domains are not drowned by few large ones. */
  readonly weights: readonly number[];
  /** Nodes without all topology keys: they get no points. */
  readonly ignored: ReadonlySet<string>;
}

const spreadKey = new StateKey<Spread>("PodTopologySpread.spread");

function spreadOf(
  pod: PodInfo,
  constraints: readonly Constraint[],
  feasible: readonly NodeInfo[],
  cluster: Cluster,
  needsAllKeys: boolean,
): Spread {
  const counts = constraints.map(() => new Map<string, number>());
  const ignored = new Set<string>();
  for (const node of feasible) {
    if (needsAllKeys && !hasAllKeys(constraints, node.labels)) {
      ignored.add(node.name);
      continue;
    }
    for (const [i, { topologyKey }] of constraints.entries()) {
      const value = node.labels[topologyKey];
      // A node without the key makes a domain of its own, named by nothing, as in the original.
      if (topologyKey !== hostname) counts[i]?.set(value ?? "", 0);
    }
  }
  const weights = constraints.map(({ topologyKey }, i) => {
    const domains = topologyKey === hostname ? feasible.length - ignored.size : (counts[i] as Map<string, number>).size;
    return Math.log(domains + 2);
  });
  if (constraints.some(({ topologyKey }) => topologyKey !== hostname)) {
    for (const node of cluster.nodes) {
      if (needsAllKeys && !hasAllKeys(constraints, node.labels)) continue;
      for (const [i, constraint] of constraints.entries()) {
        const ofKey = counts[i] as Map<string, number>;
        const value = node.labels[constraint.topologyKey] ?? "";
        const count = ofKey.get(value);
        if (count === undefined || node.pods.size === 0 || !includes(constraint, pod, node)) continue;
        ofKey.set(value, count + countOn(node, pod.namespace, constraint));
      }
    }
  }
  return { constraints, counts, weights, ignored };
}

/**
 * Spreads a set of pods over zones, nodes or other domains (plugins/podtopologyspread).
 *
 * Hard constraints filter: matching pods in the node's domain + 1 if the pod matches itself - the fewest in any domain <= maxSkew.
 * Soft ones score: the sum over constraints of pods in the domain x ln(domains + 2) + (maxSkew - 1), rounded; normalised to
 * 100 x (max + min - s) / max, so that the emptiest domain is best.
 */
export function podTopologySpread(args: PodTopologySpreadArgs = {}): Plugin {
  const isSystem = (args.defaultingType ?? "System") === "System";
  const defaults = isSystem ? systemDefaults : (args.defaultConstraints ?? []);

  function constraintsOf(info: PodInfo, cluster: Cluster, when: "DoNotSchedule" | "ScheduleAnyway"): Constraint[] {
    const { pod } = info;
    const own = pod.spec?.topologySpreadConstraints ?? [];
    const wanted = (own.length > 0 ? own : defaults).filter(({ whenUnsatisfiable }) => whenUnsatisfiable === when);
    if (wanted.length === 0) return [];
    if (own.length > 0) return wanted.map((constraint) => constraintOf(constraint, info));
    // Defaults name no selector: that of whatever the pod belongs to is meant.
    const selector = ownerSelector(pod, cluster.objects);
    return selector === undefined ? [] : wanted.map((constraint) => constraintOf(constraint, info, selector));
  }

  return {
    name: "PodTopologySpread",
    preFilter(pod, cluster, state) {
      const constraints = constraintsOf(pod, cluster, "DoNotSchedule");
      if (constraints.length === 0) return "skip";
      const all: Domains[] = constraints.map((constraint) => ({
        constraint,
        counts: new Map(),
        fewest: undefined,
        self: matchesLabels(constraint.selector, pod.labels) ? 1 : 0,
      }));
      for (const node of cluster.nodes) {
        if (!hasAllKeys(constraints, node.labels)) continue;
        for (const { constraint, counts } of all) {
          if (!includes(constraint, pod, node)) continue;
          const value = node.labels[constraint.topologyKey] as string;
          const before = counts.get(value);
          const here = node.pods.size === 0 ? 0 : countOn(node, pod.namespace, constraint);
          // A domain without such pods is a domain.
          if (here > 0 || before === undefined) counts.set(value, (before ?? 0) + here);
        }
      }
      state.set(domainsKey, all);
      return undefined;
    },
    addPod: (pod, added, node, state) => change(state.get(domainsKey), pod, added, node, 1),
    removePod: (pod, removed, node, state) => change(state.get(domainsKey), pod, removed, node, -1),
    filter(_pod, node, state) {
      for (const domains of state.get(domainsKey) ?? []) {
        const value = node.labels[domains.constraint.topologyKey];
        if (value === undefined) {
          const reason = "node(s) didn't match pod topology spread constraints (missing required label)";
          return { reasons: [reason], unresolvable: true };
        }
        const skew = (domains.counts.get(value) ?? 0) + domains.self - globalMinimum(domains);
        if (skew > domains.constraint.maxSkew) {
          return { reasons: ["node(s) didn't match pod topology spread constraints"], unresolvable: false };
        }
      }
      return undefined;
    },
    preScore(pod, nodes, cluster, state) {
      const constraints = constraintsOf(pod, cluster, "ScheduleAnyway");
      if (constraints.length === 0) return "skip";
      // With the system's defaults, nodes without a zone are still spread over by name.
      const needsAllKeys = !isSystem || (pod.pod.spec?.topologySpreadConstraints ?? []).length > 0;
      state.set(spreadKey, spreadOf(pod, constraints, nodes, cluster, needsAllKeys));
      return undefined;
    },
    score(pod, node, state) {
      const spread = state.get(spreadKey);
      if (spread === undefined || spread.ignored.has(node.name)) return 0;
      let score = 0;
      for (const [i, constraint] of spread.constraints.entries()) {
        const { topologyKey, maxSkew } = constraint;
        const value = node.labels[topologyKey];
        if (value === undefined) continue;
        const count =
          topologyKey === hostname
            ? countOn(node, pod.namespace, constraint)
            : ((spread.counts[i] as Map<string, number>).get(value) ?? 0);
        score += count * (spread.weights[i] as number) + (maxSkew - 1);
      }
      return Math.round(score);
    },
    normalize(scores, nodes, state) {
      const ignored = state.get(spreadKey)?.ignored ?? new Set();
      let min = Number.MAX_SAFE_INTEGER;
      let max = 0;
      for (const [i, score] of scores.entries()) {
        if (ignored.has((nodes[i] as NodeInfo).name)) continue;
        if (score < min) min = score;
        if (score > max) max = score;
      }
      for (const [i, score] of scores.entries()) {
        if (ignored.has((nodes[i] as NodeInfo).name)) scores[i] = 0;
        else scores[i] = max === 0 ? maxNodeScore : Math.floor((maxNodeScore * (max + min - score)) / max);
      }
    },
    events: new Set([
      "NodeAdd",
      "NodeUpdate",
      "NodeDelete",
      "AssignedPodAdd",
      "AssignedPodUpdate",
      "AssignedPodDelete",
      "PodUpdate",
    ]),
    mayHelp(event, pod, cluster) {
      const constraints = constraintsOf(pod, cluster, "DoNotSchedule");
      const concerns = (other: Pod) =>
        other.metadata.namespace === pod.pod.metadata.namespace &&
        constraints.some(({ selector }) => matchesLabels(selector, other.metadata.labels));
      switch (event.kind) {
        case "AssignedPodAdd":
        case "AssignedPodDelete":
          return concerns(event.pod);
        case "AssignedPodUpdate": {
          const leaves = event.old.metadata.deletionTimestamp === undefined && event.pod.metadata.deletionTimestamp;
          const renamed = !equalJson(event.old.metadata.labels, event.pod.metadata.labels);
          return (Boolean(leaves) || renamed) && (concerns(event.old) || concerns(event.pod));
        }
        case "NodeAdd":
        case "NodeDelete":
          return hasAllKeys(constraints, event.node.metadata.labels ?? {});
        case "NodeUpdate": {
          const moved = constraints.some(
            ({ topologyKey }) => event.old.metadata.labels?.[topologyKey] !== event.node.metadata.labels?.[topologyKey],
          );
          const policies =
            (constraints.some(({ honorTaints }) => honorTaints) &&
              !equalJson(event.old.spec?.taints, event.node.spec?.taints)) ||
            allowsNode(pod.pod, event.old) !== allowsNode(pod.pod, event.node);
          return moved || policies;
        }
        case "PodUpdate":
          return !equalJson(event.old.metadata.labels, event.pod.metadata.labels);
        default:
          return false;
      }
    },
  };
}
