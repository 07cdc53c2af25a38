import type { Profile, WeightedPlugin } from "./framework/framework.ts";
import type { Plugin } from "./framework/plugin.ts";
import { type BalancedAllocationArgs, balancedAllocation } from "./plugins/balanced-allocation.ts";
import { defaultBinder } from "./plugins/default-binder.ts";
import { type DefaultPreemptionArgs, defaultPreemption } from "./plugins/default-preemption.ts";
import { dynamicResources } from "./plugins/dynamic-resources.ts";
import { imageLocality } from "./plugins/image-locality.ts";
import { type InterPodAffinityArgs, interPodAffinity } from "./plugins/inter-pod-affinity.ts";
import { type NodeAffinityArgs, nodeAffinity } from "./plugins/node-affinity.ts";
import { nodeName } from "./plugins/node-name.ts";
import { nodePorts } from "./plugins/node-ports.ts";
import { type NodeResourcesFitArgs, nodeResourcesFit } from "./plugins/node-resources-fit.ts";
import { nodeUnschedulable } from "./plugins/node-unschedulable.ts";
import { nodeVolumeLimits } from "./plugins/node-volume-limits.ts";
import { type PodTopologySpreadArgs, podTopologySpread } from "./plugins/pod-topology-spread.ts";
import { prioritySort } from "./plugins/priority-sort.ts";
import { schedulingGates } from "./plugins/scheduling-gates.ts";
import { taintToleration } from "./plugins/taint-toleration.ts";
import { type VolumeBindingArgs, volumeBinding } from "./plugins/volume-binding.ts";
import { volumeRestrictions } from "./plugins/volume-restrictions.ts";
import { volumeZone } from "./plugins/volume-zone.ts";

/** What plugins can be told, by plugin. */
export interface PluginArgs {
  readonly NodeResourcesFit?: NodeResourcesFitArgs;
  readonly NodeResourcesBalancedAllocation?: BalancedAllocationArgs;
  readonly PodTopologySpread?: PodTopologySpreadArgs;
  readonly InterPodAffinity?: InterPodAffinityArgs;
  readonly NodeAffinity?: NodeAffinityArgs;
  readonly DefaultPreemption?: DefaultPreemptionArgs;
  readonly VolumeBinding?: VolumeBindingArgs;
}

export const defaultSchedulerName = "default-scheduler";

/**
 * All plugins with their default weights, in the original's order (apis/config/v1/default_plugins.go): of several plugins that refuse a
 * node, the first gives the reason users read.
 */
export function pluginsWith(args: PluginArgs): readonly WeightedPlugin[] {
  return [
    { plugin: schedulingGates, weight: 0 },
    { plugin: prioritySort, weight: 0 },
    { plugin: nodeUnschedulable, weight: 0 },
    { plugin: nodeName, weight: 0 },
    { plugin: taintToleration, weight: 3 },
    { plugin: nodeAffinity(args.NodeAffinity), weight: 2 },
    { plugin: nodePorts, weight: 0 },
    { plugin: nodeResourcesFit(args.NodeResourcesFit), weight: 1 },
    { plugin: volumeRestrictions, weight: 0 },
    { plugin: nodeVolumeLimits, weight: 0 },
    { plugin: volumeBinding(args.VolumeBinding), weight: 0 },
    { plugin: volumeZone, weight: 0 },
    { plugin: podTopologySpread(args.PodTopologySpread), weight: 2 },
    { plugin: interPodAffinity(args.InterPodAffinity), weight: 2 },
    { plugin: dynamicResources, weight: 0 },
    { plugin: defaultPreemption(args.DefaultPreemption), weight: 0 },
    { plugin: balancedAllocation(args.NodeResourcesBalancedAllocation), weight: 1 },
    { plugin: imageLocality, weight: 1 },
    { plugin: defaultBinder, weight: 0 },
  ];
}

/** The extension points, and how a plugin shows that it has one. */
export const extensionPoints = {
  preEnqueue: (plugin: Plugin) => plugin.preEnqueue,
  queueSort: (plugin: Plugin) => plugin.compare,
  preFilter: (plugin: Plugin) => plugin.preFilter,
  filter: (plugin: Plugin) => plugin.filter,
  postFilter: (plugin: Plugin) => plugin.postFilter,
  preScore: (plugin: Plugin) => plugin.preScore,
  score: (plugin: Plugin) => plugin.score,
  reserve: (plugin: Plugin) => plugin.reserve ?? plugin.unreserve,
  permit: (plugin: Plugin) => plugin.permit,
  preBind: (plugin: Plugin) => plugin.preBind,
  bind: (plugin: Plugin) => plugin.bind,
  postBind: (plugin: Plugin) => plugin.postBind,
} as const;

export type ExtensionPoint = keyof typeof extensionPoints;

/** Makes a profile of the plugins that run at each point. */
export function profileOf(
  schedulerName: string,
  at: (point: ExtensionPoint) => readonly WeightedPlugin[],
  percentageOfNodesToScore = 0,
): Profile {
  const plain = (point: ExtensionPoint) => at(point).map(({ plugin }) => plugin);
  const [queueSort] = plain("queueSort");
  return {
    schedulerName,
    percentageOfNodesToScore,
    plugins: {
      preEnqueue: plain("preEnqueue"),
      queueSort: queueSort ?? prioritySort,
      preFilter: plain("preFilter"),
      filter: plain("filter"),
      postFilter: plain("postFilter"),
      preScore: plain("preScore"),
      score: at("score"),
      reserve: plain("reserve"),
      permit: plain("permit"),
      preBind: plain("preBind"),
      bind: plain("bind"),
      postBind: plain("postBind"),
    },
  };
}

/** What runs when nothing is configured. */
export function defaultProfile(schedulerName = defaultSchedulerName, args: PluginArgs = {}): Profile {
  const all = pluginsWith(args);
  return profileOf(schedulerName, (point) => all.filter(({ plugin }) => extensionPoints[point](plugin) !== undefined));
}
