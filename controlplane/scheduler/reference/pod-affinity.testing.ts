import { type Node, type Pod, type PodAffinityTerm, selects } from "../../api/mod.ts";
import type { PluginArgs } from "../mod.ts";
import { labelsOf, nameOf, namespaceOf, nodeOf, type Refusal, type World } from "./world.testing.ts";

type AffinityArgs = NonNullable<PluginArgs["InterPodAffinity"]>;
/** A term and the pod that says it. */
interface Wish {
  readonly owner: Pod;
  readonly term: PodAffinityTerm;
  readonly weight: number;
}

const affinityOf = (pod: Pod) => pod.spec?.affinity?.podAffinity;
const antiAffinityOf = (pod: Pod) => pod.spec?.affinity?.podAntiAffinity;
const unweighted = (owner: Pod, terms: readonly PodAffinityTerm[] | undefined, weight = 1): Wish[] =>
  (terms ?? []).map((term) => ({ owner, term, weight }));

const wants = (pod: Pod): Wish[] => unweighted(pod, affinityOf(pod)?.requiredDuringSchedulingIgnoredDuringExecution);
const avoids = (pod: Pod): Wish[] =>
  unweighted(pod, antiAffinityOf(pod)?.requiredDuringSchedulingIgnoredDuringExecution);

function likes(pod: Pod): Wish[] {
  const terms = affinityOf(pod)?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return terms.map(({ weight, podAffinityTerm }) => ({ owner: pod, term: podAffinityTerm, weight }));
}

function dislikes(pod: Pod): Wish[] {
  const terms = antiAffinityOf(pod)?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return terms.map(({ weight, podAffinityTerm }) => ({ owner: pod, term: podAffinityTerm, weight: -weight }));
}

/** Whether the wish is about `other`: its namespace and its labels. */
function isAbout({ owner, term }: Wish, other: Pod, world: World): boolean {
  const named = term.namespaces ?? [];
  const namespaces = named.length === 0 && term.namespaceSelector === undefined ? [namespaceOf(owner)] : named;
  const labels = world.objects.namespaces?.find((namespace) => nameOf(namespace) === namespaceOf(other))?.metadata
    .labels;
  if (!namespaces.includes(namespaceOf(other)) && !selects(term.namespaceSelector, labels)) return false;
  if (!selects(term.labelSelector, labelsOf(other))) return false;
  const mine = (keys: readonly string[] | undefined) =>
    (keys ?? []).filter((key) => labelsOf(owner)[key] !== undefined);
  return (
    mine(term.matchLabelKeys).every((key) => labelsOf(other)[key] === labelsOf(owner)[key]) &&
    mine(term.mismatchLabelKeys).every((key) => labelsOf(other)[key] !== labelsOf(owner)[key])
  );
}

function inSameDomain(key: string, a: Node, b: Node): boolean {
  return labelsOf(a)[key] !== undefined && labelsOf(a)[key] === labelsOf(b)[key];
}

/** Required affinity: in each term's domain is a pod that all terms are about. */
function findsCompany(pod: Pod, node: Node, world: World): boolean {
  const wishes = wants(pod);
  const isCompany = (other: Pod) => wishes.every((wish) => isAbout(wish, other, world));
  if (wishes.some(({ term }) => labelsOf(node)[term.topologyKey] === undefined)) return false;
  const company = world.pods.filter(isCompany);
  if (wishes.every(({ term }) => company.some((other) => inSameDomain(term.topologyKey, nodeOf(world, other), node)))) {
    return true;
  }
  // The first of its kind: its terms are about itself, and nobody whom they are about is in any domain.
  const isFirst = !company.some((other) =>
    wishes.some(({ term }) => labelsOf(nodeOf(world, other))[term.topologyKey] !== undefined),
  );
  return isFirst && isCompany(pod);
}

export function podAffinity(pod: Pod, node: Node, world: World): Refusal | undefined {
  if (!findsCompany(pod, node, world)) {
    return { reasons: ["node(s) didn't match pod affinity rules"], unresolvable: true };
  }
  for (const wish of avoids(pod)) {
    for (const other of world.pods) {
      if (inSameDomain(wish.term.topologyKey, nodeOf(world, other), node) && isAbout(wish, other, world)) {
        return { reasons: ["node(s) didn't match pod anti-affinity rules"], unresolvable: false };
      }
    }
  }
  for (const other of world.pods) {
    for (const wish of avoids(other)) {
      if (inSameDomain(wish.term.topologyKey, nodeOf(world, other), node) && isAbout(wish, pod, world)) {
        return { reasons: ["node(s) didn't satisfy existing pods anti-affinity rules"], unresolvable: false };
      }
    }
  }
  return undefined;
}

/** Nothing that the plugin looks at when filtering concerns the pod. */
export function concernsNobody(pod: Pod, world: World): boolean {
  const avoided = world.pods.some((other) =>
    avoids(other).some(
      (wish) => isAbout(wish, pod, world) && labelsOf(nodeOf(world, other))[wish.term.topologyKey] !== undefined,
    ),
  );
  return !avoided && wants(pod).length === 0 && avoids(pod).length === 0;
}

/**
 * Every preference that holds between the pod and a pod on a node of the same domain adds its weight, an aversion takes it away; so do
 * those of the other pod, whose required affinity counts too. Undefined: no such preference holds anywhere.
 */
export function podAffinityScores(
  pod: Pod,
  nodes: readonly Node[],
  world: World,
  args: AffinityArgs = {},
): number[] | undefined {
  const mine = [...likes(pod), ...dislikes(pod)];
  if (args.ignorePreferredTermsOfExistingPods === true && mine.length === 0) return undefined;
  const holding: { readonly key: string; readonly at: Node; readonly weight: number }[] = [];
  for (const other of world.pods) {
    const at = nodeOf(world, other);
    const hard = args.hardPodAffinityWeight ?? 1;
    const theirs = [
      ...unweighted(other, affinityOf(other)?.requiredDuringSchedulingIgnoredDuringExecution, hard),
      ...likes(other),
      ...dislikes(other),
    ];
    const matching = [
      ...mine.filter((wish) => isAbout(wish, other, world)),
      ...theirs.filter((wish) => wish.weight !== 0 && isAbout(wish, pod, world)),
    ];
    for (const { term, weight } of matching) {
      if (labelsOf(at)[term.topologyKey] !== undefined) holding.push({ key: term.topologyKey, at, weight });
    }
  }
  if (holding.length === 0) return undefined;
  return nodes.map((node) =>
    holding.filter(({ key, at }) => inSameDomain(key, at, node)).reduce((so, { weight }) => so + weight, 0),
  );
}

/** 100 x (score - min) / (max - min). */
export function normalizePodAffinity(scores: readonly number[]): number[] {
  const [min, max] = [Math.min(...scores), Math.max(...scores)];
  return scores.map((score) => (max === min ? 0 : Math.trunc(100 * ((score - min) / (max - min)))));
}
