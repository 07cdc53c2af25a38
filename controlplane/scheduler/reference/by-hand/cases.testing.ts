/**
 * Small cases with their arithmetic. Each is asked of the scheduler and of the reference: both must give the number that a pencil gives.
 */
import { describe, expect, it } from "vitest";
import type { Node, Pod, PodAffinityTerm, PodSpec } from "../../../api/mod.ts";
import { type ClusterObjects, defaultProfile, filterPod, type PluginArgs, scorePod } from "../../mod.ts";
import { aNode, aPod, bound, labelled } from "../../scheduler.testing.ts";
import { referenceFilter, referenceScores } from "../reference.testing.ts";

interface Case {
  readonly pod: Pod;
  readonly nodes: readonly Node[];
  readonly pods?: readonly Pod[];
  readonly more?: Partial<ClusterObjects>;
  readonly args?: PluginArgs;
}

const clusterOf = ({ nodes, pods = [], more = {} }: Case): ClusterObjects => ({ nodes, pods, ...more });
const namesOf = ({ nodes }: Case): string[] => nodes.map(({ metadata }) => metadata.name ?? "");
const profileOf = ({ args }: Case) => defaultProfile("default-scheduler", args);

/** [points before, points after normalising] of the plugin for each node; undefined: it has nothing to say. */
type Points = readonly (readonly [raw: number, normalized: number])[] | undefined;

function ofScheduler(plugin: string, one: Case): Points {
  const found = scorePod(one.pod, clusterOf(one), namesOf(one), profileOf(one)).find(
    (score) => score.plugin === plugin,
  );
  return found === undefined || found.skipped ? undefined : found.nodes.map(({ raw, normalized }) => [raw, normalized]);
}

function ofReference(plugin: string, one: Case): Points {
  const found = referenceScores(one.pod, clusterOf(one), namesOf(one), one.args)[plugin];
  return found?.raw.map((raw, i) => [raw, found.normalized[i] as number]);
}

export function scores(plugin: string, table: Readonly<Record<string, Case & { readonly points: Points }>>): void {
  describe(`${plugin} scores`, () => {
    for (const [name, one] of Object.entries(table)) {
      it(name, () => {
        expect(ofScheduler(plugin, one)).toEqual(one.points);
        expect(ofReference(plugin, one)).toEqual(one.points);
      });
    }
  });
}

/** The plugin's reasons by node; an empty string where it takes the node. */
export function refuses(
  plugin: string,
  table: Readonly<Record<string, Case & { readonly reasons: readonly string[] }>>,
): void {
  describe(`${plugin} filters`, () => {
    for (const [name, one] of Object.entries(table)) {
      it(name, () => {
        const verdicts = filterPod(one.pod, clusterOf(one), profileOf(one));
        const found = verdicts.map(
          ({ verdicts }) => verdicts.find((verdict) => verdict.plugin === plugin)?.reasons ?? [],
        );
        expect(found.map((reasons) => reasons.join(", "))).toEqual(one.reasons);
        const expected = referenceFilter(one.pod, clusterOf(one), one.args);
        expect(expected.map(({ refusals }) => refusals[plugin]?.reasons.join(", ") ?? "")).toEqual(one.reasons);
      });
    }
  });
}

export const zone = "topology.kubernetes.io/zone";
export const hostname = "kubernetes.io/hostname";
export const gpu = "example.com/gpu";
const inZone = (name: string, value: string): Node => aNode(name, { labels: { [zone]: value, [hostname]: name } });
export const [inA, inB] = [inZone("a", "A"), inZone("b", "B")];

export function withGpus(node: Node, gpus: string): Node {
  return { ...node, status: { ...node.status, allocatable: { ...node.status?.allocatable, [gpu]: gpus } } };
}

export const same = (points: number): Points => [[points, points]];
export const nothing = aPod("incoming");

export const preferNot = (key: string) => ({ key, value: "x", effect: "PreferNoSchedule" as const });

export const ssd = (name: string, more: Record<string, string> = {}) =>
  aNode(name, { labels: { disk: "ssd", ...more } });
export const isSsd = { matchExpressions: [{ key: "disk", operator: "In" as const, values: ["ssd"] }] };
export const isInA = { matchExpressions: [{ key: zone, operator: "In" as const, values: ["A"] }] };
export const preferring = (...terms: readonly (readonly [number, typeof isSsd])[]): Partial<PodSpec> => ({
  affinity: {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: terms.map(([weight, preference]) => ({ weight, preference })),
    },
  },
});

export const web = { app: "web" };
export const aWeb = (name: string, node: string, labels: Record<string, string> = web): Pod =>
  bound(labelled(aPod(name), labels), node);
export const near = (app: string, more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey: zone,
  labelSelector: { matchLabels: { app } },
  ...more,
});
export const likes = (weight: number, app: string) => ({
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight, podAffinityTerm: near(app) }],
});
export const needs = (term: PodAffinityTerm) => ({ requiredDuringSchedulingIgnoredDuringExecution: [term] });
export const withAffinity = (pod: Pod, affinity: PodSpec["affinity"]): Pod => ({
  ...pod,
  spec: { ...(pod.spec as PodSpec), affinity },
});
export const inC = inZone("c", "C");
