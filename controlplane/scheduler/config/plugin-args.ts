import type { NodeAffinity, TopologySpreadConstraint } from "../../api/mod.ts";
import type { NodeResourcesFitArgs } from "../plugins/node-resources-fit.ts";
import type { ResourceWeight, ShapePoint } from "../plugins/resource-strategies.ts";
import type { PluginArgs } from "../profile.ts";
import { type Fields, fieldsOf, flag, listOf, oneOf, refuse, text, wholeNumber } from "./reader.ts";

function texts(value: unknown, where: string): string[] {
  return listOf(value, where).map((item, i) => text(item, `${where}[${i}]`));
}

function weights(value: unknown, where: string): ResourceWeight[] | undefined {
  if (value === undefined) return undefined;
  return listOf(value, where).map((item, i) => {
    const at = `${where}[${i}]`;
    const fields = fieldsOf(item, at, ["name", "weight"]);
    return { name: text(fields.name, `${at}.name`), weight: wholeNumber(fields.weight, `${at}.weight`, 1, 100) ?? 1 };
  });
}

function shape(value: unknown, where: string): ShapePoint[] {
  const points = listOf(value, where).map((item, i) => {
    const at = `${where}[${i}]`;
    const fields = fieldsOf(item, at, ["utilization", "score"]);
    const utilization = wholeNumber(fields.utilization, `${at}.utilization`, 0, 100) ?? 0;
    return { utilization, score: wholeNumber(fields.score, `${at}.score`, 0, 10) ?? 0 };
  });
  if (points.length === 0) refuse(where, "needs at least one point");
  for (const [i, point] of points.entries()) {
    const before = points[i - 1];
    if (before !== undefined && before.utilization >= point.utilization) refuse(where, "utilization must increase");
  }
  return points;
}

function fit(args: Fields, where: string): NodeResourcesFitArgs {
  const ignoredResources = texts(args.ignoredResources, `${where}.ignoredResources`);
  const ignoredResourceGroups = texts(args.ignoredResourceGroups, `${where}.ignoredResourceGroups`);
  if (args.scoringStrategy === undefined) return { ignoredResources, ignoredResourceGroups };
  const at = `${where}.scoringStrategy`;
  const fields = fieldsOf(args.scoringStrategy, at, ["type", "resources", "requestedToCapacityRatio"]);
  const types = ["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"] as const;
  const type = oneOf(fields.type, `${at}.type`, types);
  const ratioAt = `${at}.requestedToCapacityRatio`;
  const ratio = fieldsOf(fields.requestedToCapacityRatio ?? {}, ratioAt, ["shape"]);
  const requestedToCapacityRatio =
    type === "RequestedToCapacityRatio" ? { shape: shape(ratio.shape, `${ratioAt}.shape`) } : undefined;
  const resources = weights(fields.resources, `${at}.resources`);
  return {
    ignoredResources,
    ignoredResourceGroups,
    scoringStrategy: {
      type,
      ...(resources && { resources }),
      ...(requestedToCapacityRatio && { requestedToCapacityRatio }),
    },
  };
}

function spread(args: Fields, where: string): NonNullable<PluginArgs["PodTopologySpread"]> {
  const at = `${where}.defaultConstraints`;
  const defaultingType = oneOf(args.defaultingType, `${where}.defaultingType`, ["System", "List"] as const);
  const defaultConstraints = listOf(args.defaultConstraints, at).map((item, i): TopologySpreadConstraint => {
    const fields = fieldsOf(item, `${at}[${i}]`, ["maxSkew", "topologyKey", "whenUnsatisfiable"]);
    const when = ["DoNotSchedule", "ScheduleAnyway"] as const;
    return {
      maxSkew: wholeNumber(fields.maxSkew, `${at}[${i}].maxSkew`, 1, 2 ** 31 - 1) ?? 1,
      topologyKey: text(fields.topologyKey, `${at}[${i}].topologyKey`),
      whenUnsatisfiable: oneOf(fields.whenUnsatisfiable, `${at}[${i}].whenUnsatisfiable`, when) ?? "DoNotSchedule",
    };
  });
  if (defaultConstraints.length > 0 && defaultingType !== "List") refuse(at, "needs defaultingType List");
  return { defaultingType, defaultConstraints };
}

function nodeAffinity(args: Fields, where: string): NonNullable<PluginArgs["NodeAffinity"]> {
  if (args.addedAffinity === undefined) return {};
  const known = ["requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"];
  return { addedAffinity: fieldsOf(args.addedAffinity, `${where}.addedAffinity`, known) as NodeAffinity };
}

type Reader<Name extends keyof PluginArgs> = {
  readonly known: readonly string[];
  readonly read: (args: Fields, where: string) => NonNullable<PluginArgs[Name]>;
};

const most = 2 ** 31 - 1;

/** Plugins that can be told something. */
const readers: { readonly [Name in keyof PluginArgs]-?: Reader<Name> } = {
  NodeResourcesFit: { known: ["ignoredResources", "ignoredResourceGroups", "scoringStrategy"], read: fit },
  NodeResourcesBalancedAllocation: {
    known: ["resources"],
    read: (args, where) => {
      const resources = weights(args.resources, `${where}.resources`);
      return resources === undefined ? {} : { resources };
    },
  },
  PodTopologySpread: { known: ["defaultConstraints", "defaultingType"], read: spread },
  InterPodAffinity: {
    known: ["hardPodAffinityWeight", "ignorePreferredTermsOfExistingPods"],
    read: (args, where) => ({
      hardPodAffinityWeight: wholeNumber(args.hardPodAffinityWeight, `${where}.hardPodAffinityWeight`, 0, 100) ?? 1,
      ignorePreferredTermsOfExistingPods:
        flag(args.ignorePreferredTermsOfExistingPods, `${where}.ignorePreferredTermsOfExistingPods`) ?? false,
    }),
  },
  NodeAffinity: { known: ["addedAffinity"], read: nodeAffinity },
  DefaultPreemption: {
    known: ["minCandidateNodesPercentage", "minCandidateNodesAbsolute"],
    read: (args, where) => ({
      minCandidateNodesPercentage:
        wholeNumber(args.minCandidateNodesPercentage, `${where}.minCandidateNodesPercentage`, 0, 100) ?? 10,
      minCandidateNodesAbsolute:
        wholeNumber(args.minCandidateNodesAbsolute, `${where}.minCandidateNodesAbsolute`, 0, most) ?? 100,
    }),
  },
  VolumeBinding: {
    known: ["bindTimeoutSeconds"],
    read: (args, where) => ({
      bindTimeoutSeconds: wholeNumber(args.bindTimeoutSeconds, `${where}.bindTimeoutSeconds`, 0, most) ?? 600,
    }),
  },
};

/** The list `pluginConfig` of a profile: what each plugin is told. */
export function readPluginArgs(value: unknown, where: string): PluginArgs {
  const all: Record<string, unknown> = {};
  for (const [i, item] of listOf(value, where).entries()) {
    const at = `${where}[${i}]`;
    const { name: given, args = {} } = fieldsOf(item, at, ["name", "args"]);
    const name = text(given, `${at}.name`);
    if (!Object.hasOwn(readers, name)) refuse(`${at}.name`, `there is no plugin "${name}" that takes arguments`);
    if (Object.hasOwn(all, name)) refuse(`${at}.name`, `"${name}" is configured twice`);
    const reader = readers[name as keyof PluginArgs];
    all[name] = reader.read(fieldsOf(args, `${at}.args`, ["apiVersion", "kind", ...reader.known]), `${at}.args`);
  }
  return all as PluginArgs;
}
