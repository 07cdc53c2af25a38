import type { Profile, WeightedPlugin } from "../framework/framework.ts";
import {
  defaultProfile,
  defaultSchedulerName,
  type ExtensionPoint,
  extensionPoints,
  pluginsWith,
  profileOf,
} from "../profile.ts";
import { readPluginArgs } from "./plugin-args.ts";
import { duration, fieldsOf, flag, listOf, oneOf, refuse, text, wholeNumber } from "./reader.ts";

/** What a KubeSchedulerConfiguration says, with what it leaves out left out. */
export interface SchedulerConfiguration {
  readonly profiles: readonly Profile[];
  readonly podInitialBackoffMs: number;
  readonly podMaxBackoffMs: number;
  readonly leaderElection: {
    readonly leaderElect?: boolean;
    readonly lease: {
      readonly namespace?: string;
      readonly name?: string;
      readonly leaseDurationMs?: number;
      readonly renewDeadlineMs?: number;
      readonly retryPeriodMs?: number;
    };
  };
}

interface Listed {
  readonly name: string;
  readonly weight: number | undefined;
}

/** Plugins switched on and off at one point; `*` switches all of the defaults off. */
interface PluginSet {
  readonly enabled: readonly Listed[];
  readonly disabled: ReadonlySet<string>;
}

function pluginSet(value: unknown, where: string, known: ReadonlyMap<string, WeightedPlugin>): PluginSet {
  const set = fieldsOf(value ?? {}, where, ["enabled", "disabled"]);
  const read = (list: "enabled" | "disabled") =>
    listOf(set[list], `${where}.${list}`).map((item, i): Listed => {
      const at = `${where}.${list}[${i}]`;
      const fields = fieldsOf(item, at, ["name", "weight"]);
      const name = text(fields.name, `${at}.name`);
      const all = list === "disabled" && name === "*";
      if (!all && !known.has(name)) refuse(`${at}.name`, `there is no plugin "${name}"`);
      return { name, weight: wholeNumber(fields.weight, `${at}.weight`, 0, 2 ** 31 - 1) };
    });
  return { enabled: read("enabled"), disabled: new Set(read("disabled").map(({ name }) => name)) };
}

/** The defaults (or what multiPoint makes of them) without those disabled, then those enabled here; one that is enabled again changes its weight. */
function applied(defaults: readonly WeightedPlugin[], set: PluginSet, known: ReadonlyMap<string, WeightedPlugin>) {
  const enabled = set.enabled.map(({ name, weight }) => {
    const usual = known.get(name) as WeightedPlugin;
    return { plugin: usual.plugin, weight: weight || usual.weight || 1 };
  });
  const replaced = new Map(enabled.map((entry) => [entry.plugin.name, entry]));
  const kept = defaults
    .filter(({ plugin }) => !set.disabled.has("*") && !set.disabled.has(plugin.name))
    .map((entry) => replaced.get(entry.plugin.name) ?? entry);
  const present = new Set(kept.map(({ plugin }) => plugin.name));
  return [...kept, ...enabled.filter(({ plugin }) => !present.has(plugin.name))];
}

function readProfile(value: unknown, where: string, percentage: number): Profile {
  const known = ["schedulerName", "percentageOfNodesToScore", "plugins", "pluginConfig"];
  const fields = fieldsOf(value, where, known);
  const args = readPluginArgs(fields.pluginConfig, `${where}.pluginConfig`);
  const all = new Map(pluginsWith(args).map((entry) => [entry.plugin.name, entry]));
  const points = Object.keys(extensionPoints) as ExtensionPoint[];
  const plugins = fieldsOf(fields.plugins ?? {}, `${where}.plugins`, ["multiPoint", ...points]);
  const multiPoint = pluginSet(plugins.multiPoint, `${where}.plugins.multiPoint`, all);
  const everywhere = applied([...all.values()], multiPoint, all);
  const at = (point: ExtensionPoint): readonly WeightedPlugin[] => {
    const set = pluginSet(plugins[point], `${where}.plugins.${point}`, all);
    const has = ({ plugin }: WeightedPlugin) => extensionPoints[point](plugin) !== undefined;
    for (const { name } of set.enabled) {
      if (!has(all.get(name) as WeightedPlugin)) refuse(`${where}.plugins.${point}`, `"${name}" does not do that`);
    }
    return applied(everywhere.filter(has), set, all);
  };
  const schedulerName =
    fields.schedulerName === undefined ? defaultSchedulerName : text(fields.schedulerName, `${where}.schedulerName`);
  const own = wholeNumber(fields.percentageOfNodesToScore, `${where}.percentageOfNodesToScore`, 0, 100);
  const profile = profileOf(schedulerName, at, own ?? percentage);
  if (at("queueSort").length !== 1) refuse(`${where}.plugins.queueSort`, "exactly one plugin sorts the queue");
  if (at("bind").length === 0) refuse(`${where}.plugins.bind`, "at least one plugin must bind");
  return profile;
}

/** The root of the file, parsed but not checked. Throws Failure with one sentence that names the field. */
export function readConfiguration(value: unknown): SchedulerConfiguration {
  const fields = fieldsOf(value, "configuration", [
    "apiVersion",
    "kind",
    "profiles",
    "percentageOfNodesToScore",
    "podInitialBackoffSeconds",
    "podMaxBackoffSeconds",
    "leaderElection",
    "parallelism",
    "clientConnection",
  ]);
  oneOf(fields.apiVersion ?? "", "apiVersion", ["kubescheduler.config.k8s.io/v1"]);
  oneOf(fields.kind ?? "", "kind", ["KubeSchedulerConfiguration"]);
  // Taken and without effect: there is one thread, and how to reach the API server is a flag.
  wholeNumber(fields.parallelism, "parallelism", 1, 2 ** 31 - 1);
  fieldsOf(fields.clientConnection ?? {}, "clientConnection", [
    "kubeconfig",
    "acceptContentTypes",
    "contentType",
    "qps",
    "burst",
  ]);
  const percentage = wholeNumber(fields.percentageOfNodesToScore, "percentageOfNodesToScore", 0, 100) ?? 0;
  const listed = listOf(fields.profiles, "profiles").map((item, i) => readProfile(item, `profiles[${i}]`, percentage));
  const names = listed.map(({ schedulerName }) => schedulerName);
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) !== i) refuse(`profiles[${i}].schedulerName`, `"${name}" is there twice`);
  }
  const usual = { ...defaultProfile(), percentageOfNodesToScore: percentage };
  const initial = wholeNumber(fields.podInitialBackoffSeconds, "podInitialBackoffSeconds", 1, 2 ** 31 - 1) ?? 1;
  const longest = wholeNumber(fields.podMaxBackoffSeconds, "podMaxBackoffSeconds", 1, 2 ** 31 - 1) ?? 10;
  if (longest < initial) refuse("podMaxBackoffSeconds", "must not be less than podInitialBackoffSeconds");
  return {
    profiles: listed.length === 0 ? [usual] : listed,
    podInitialBackoffMs: initial * 1000,
    podMaxBackoffMs: longest * 1000,
    leaderElection: readLeaderElection(fields.leaderElection),
  };
}

function readLeaderElection(value: unknown): SchedulerConfiguration["leaderElection"] {
  const where = "leaderElection";
  const fields = fieldsOf(value ?? {}, where, [
    "leaderElect",
    "leaseDuration",
    "renewDeadline",
    "retryPeriod",
    "resourceLock",
    "resourceName",
    "resourceNamespace",
  ]);
  oneOf(fields.resourceLock, `${where}.resourceLock`, ["leases"]);
  const given = {
    namespace:
      fields.resourceNamespace === undefined ? undefined : text(fields.resourceNamespace, `${where}.resourceNamespace`),
    name: fields.resourceName === undefined ? undefined : text(fields.resourceName, `${where}.resourceName`),
    leaseDurationMs: duration(fields.leaseDuration, `${where}.leaseDuration`),
    renewDeadlineMs: duration(fields.renewDeadline, `${where}.renewDeadline`),
    retryPeriodMs: duration(fields.retryPeriod, `${where}.retryPeriod`),
  };
  const { leaseDurationMs = 15_000, renewDeadlineMs = 10_000, retryPeriodMs = 2_000 } = given;
  if (leaseDurationMs <= renewDeadlineMs) refuse(where, "leaseDuration must be greater than renewDeadline");
  if (renewDeadlineMs <= retryPeriodMs) refuse(where, "renewDeadline must be greater than retryPeriod");
  return { leaderElect: flag(fields.leaderElect, `${where}.leaderElect`), lease: given };
}
