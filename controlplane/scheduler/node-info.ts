import { assert } from "../../base/mod.ts";
import type { Node } from "../api/mod.ts";
import { normalizedImageName } from "./image-name.ts";
import type { PodInfo } from "./pod-info.ts";
import { type ResourceAmounts, resourceAmounts } from "./resource-amounts.ts";

export interface Allocatable {
  readonly pods: number;
  readonly resources: ResourceAmounts;
}

export function allocatableOf(node: Node): Allocatable {
  const resources = new Map(resourceAmounts(node.status?.allocatable));
  const pods = resources.get("pods") ?? 0;
  resources.delete("pods");
  return { pods, resources };
}

/** A node with the pods that are on it or assumed to be, and their sums. Invariant: the sums are those of `pods`. */
export class NodeInfo {
  readonly name: string;
  readonly pods = new Map<string, PodInfo>();
  readonly podsWithAffinity = new Map<string, PodInfo>();
  readonly podsWithRequiredAntiAffinity = new Map<string, PodInfo>();
  readonly requested = new Map<string, number>();
  readonly nonZeroRequested = { cpu: 0, memory: 0 };
  node: Node;
  labels: Readonly<Record<string, string>>;
  allocatable: Allocatable;
  /** Size in bytes of every image the node holds, under each of its names. */
  images: ReadonlyMap<string, number>;

  /** `known`: somebody who has read the same node object before. */
  constructor(node: Node, known?: NodeInfo) {
    assert(node.metadata.name !== undefined, "a node has a name");
    this.name = node.metadata.name;
    this.node = node;
    this.labels = node.metadata.labels ?? {};
    this.allocatable = known?.allocatable ?? allocatableOf(node);
    this.images = known?.images ?? imagesOf(node);
  }

  setNode(node: Node): void {
    this.node = node;
    this.labels = node.metadata.labels ?? {};
    this.allocatable = allocatableOf(node);
    this.images = imagesOf(node);
  }

  addPod(pod: PodInfo): void {
    assert(!this.pods.has(pod.key), "a pod is counted once on a node");
    this.pods.set(pod.key, pod);
    if (pod.hasAffinity) this.podsWithAffinity.set(pod.key, pod);
    if (pod.requiredAntiAffinity.length > 0) this.podsWithRequiredAntiAffinity.set(pod.key, pod);
    this.#count(pod, 1);
  }

  removePod(key: string): PodInfo | undefined {
    const pod = this.pods.get(key);
    if (pod === undefined) return undefined;
    this.pods.delete(key);
    this.podsWithAffinity.delete(key);
    this.podsWithRequiredAntiAffinity.delete(key);
    this.#count(pod, -1);
    return pod;
  }

  /** For trying out what would be: the node object is shared, the pods are not. */
  clone(): NodeInfo {
    const clone = new NodeInfo(this.node, this);
    for (const [key, pod] of this.pods) clone.pods.set(key, pod);
    for (const [key, pod] of this.podsWithAffinity) clone.podsWithAffinity.set(key, pod);
    for (const [key, pod] of this.podsWithRequiredAntiAffinity) clone.podsWithRequiredAntiAffinity.set(key, pod);
    for (const [resource, amount] of this.requested) clone.requested.set(resource, amount);
    clone.nonZeroRequested.cpu = this.nonZeroRequested.cpu;
    clone.nonZeroRequested.memory = this.nonZeroRequested.memory;
    return clone;
  }

  #count(pod: PodInfo, sign: 1 | -1): void {
    for (const [resource, amount] of pod.requests) {
      this.requested.set(resource, (this.requested.get(resource) ?? 0) + sign * amount);
    }
    this.nonZeroRequested.cpu += sign * pod.nonZeroRequests.cpu;
    this.nonZeroRequested.memory += sign * pod.nonZeroRequests.memory;
  }
}

function imagesOf(node: Node): Map<string, number> {
  const images = new Map<string, number>();
  for (const image of node.status?.images ?? []) {
    for (const name of image.names ?? []) images.set(normalizedImageName(name), image.sizeBytes ?? 0);
  }
  return images;
}
