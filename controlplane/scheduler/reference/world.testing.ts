import type { Labels, Node, Pod } from "../../api/mod.ts";
import type { ClusterObjects } from "../mod.ts";

/** Why a plugin does not take a node; `unresolvable`: removing pods from the node would not help. */
export interface Refusal {
  readonly reasons: readonly string[];
  readonly unresolvable: boolean;
}

/** What stays away from scheduling: gone, or not on a node that exists. */
export function podsOnNodes(objects: ClusterObjects): readonly Pod[] {
  return (objects.pods ?? []).filter(
    (pod) =>
      pod.status?.phase !== "Succeeded" &&
      pod.status?.phase !== "Failed" &&
      objects.nodes.some((node) => nameOf(node) === pod.spec?.nodeName),
  );
}

/** The cluster the reference looks at: plain lists, searched anew for every question. */
export interface World {
  readonly objects: ClusterObjects;
  readonly nodes: readonly Node[];
  /** Those that occupy a node, without the pod that is to be scheduled. */
  readonly pods: readonly Pod[];
}

export function worldOf(objects: ClusterObjects, incoming: Pod): World {
  const pods = podsOnNodes(objects).filter((pod) => !isSame(pod, incoming));
  return { objects, nodes: objects.nodes, pods };
}

export const podsOn = (world: World, node: Node): readonly Pod[] =>
  world.pods.filter((pod) => pod.spec?.nodeName === nameOf(node));

export const nodeOf = (world: World, pod: Pod): Node =>
  world.nodes.find((node) => nameOf(node) === pod.spec?.nodeName) as Node;

export const nameOf = (object: { metadata: { name?: string } }): string => object.metadata.name ?? "";
export const namespaceOf = (object: { metadata: { namespace?: string } }): string => object.metadata.namespace ?? "";
export const labelsOf = (object: { metadata: { labels?: Labels } }): Readonly<Record<string, string>> =>
  object.metadata.labels ?? {};
export const isSame = (a: Pod, b: Pod): boolean => nameOf(a) === nameOf(b) && namespaceOf(a) === namespaceOf(b);
export const isTerminating = (pod: Pod): boolean => pod.metadata.deletionTimestamp !== undefined;

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
