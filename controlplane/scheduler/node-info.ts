import { assert } from "../../base/mod.ts";
import type { Node, Taint } from "../api/mod.ts";
import type { Refusal } from "./framework/plugin.ts";
import { normalizedImageName } from "./image-name.ts";
import type { PodInfo } from "./pod-info.ts";
import type { DryRun } from "./preemption/victims.ts";
import { resourceAmounts } from "./resource-amounts.ts";
import { Resources } from "./resources.ts";

export interface Allocatable {
  readonly pods: number;
  readonly resources: Resources;
}

export function allocatableOf(node: Node): Allocatable {
  const amounts = new Map(resourceAmounts(node.status?.allocatable));
  const pods = amounts.get("pods") ?? 0;
  amounts.delete("pods");
  return { pods, resources: Resources.of(amounts) };
}

const none: readonly Taint[] = [];

/** A node with the pods that are on it or assumed to be, and their sums. Invariant: the sums and the lists are those of `pods`. */
export class NodeInfo {
  readonly name: string;
  readonly pods: Map<string, PodInfo>;
  readonly requested: Resources;
  readonly nonZeroRequested = { cpu: 0, memory: 0 };
  /** The two lists are replaced, never changed: copies share them. */
  podsWithAffinity: readonly PodInfo[] = [];
  podsWithRequiredAntiAffinity: readonly PodInfo[] = [];
  node: Node;
  /** Of the node object, as are the next four. */
  labels: Readonly<Record<string, string>>;
  taints: readonly Taint[];
  unschedulable: boolean;
  allocatable: Allocatable;
  /** Size in bytes of every image the node holds, under each of its names. */
  images: ReadonlyMap<string, number>;
  /** What was last found out for pods of one signature. Invariant: of the node as it is, and with nobody promised room on it. */
  verdict: { readonly signature: string; readonly refusal: Refusal | undefined } | undefined;
  preemption: { readonly signature: string; readonly priority: number; readonly found: DryRun } | undefined;
  /** Pods that one topology spread constraint counts. Invariant: of `pods` as they are. */
  matching: { readonly group: string; readonly count: number } | undefined;

  /** `known`: somebody who has read the same node object before, and whose pods are taken over. */
  constructor(node: Node, known?: NodeInfo) {
    assert(node.metadata.name !== undefined, "a node has a name");
    this.name = node.metadata.name;
    this.pods = new Map(known?.pods);
    this.requested = known?.requested.clone() ?? new Resources();
    this.node = node;
    this.labels = node.metadata.labels ?? {};
    this.taints = node.spec?.taints ?? none;
    this.unschedulable = node.spec?.unschedulable === true;
    this.allocatable = known?.allocatable ?? allocatableOf(node);
    this.images = known?.images ?? imagesOf(node);
  }

  setNode(node: Node): void {
    this.#forget();
    this.node = node;
    this.labels = node.metadata.labels ?? {};
    this.taints = node.spec?.taints ?? none;
    this.unschedulable = node.spec?.unschedulable === true;
    this.allocatable = allocatableOf(node);
    this.images = imagesOf(node);
  }

  addPod(pod: PodInfo): void {
    assert(!this.pods.has(pod.key), "a pod is counted once on a node");
    this.#forget();
    this.pods.set(pod.key, pod);
    if (pod.hasAffinity) this.podsWithAffinity = [...this.podsWithAffinity, pod];
    if (pod.requiredAntiAffinity.length > 0) {
      this.podsWithRequiredAntiAffinity = [...this.podsWithRequiredAntiAffinity, pod];
    }
    this.#count(pod, 1);
  }

  removePod(key: string): PodInfo | undefined {
    const pod = this.pods.get(key);
    if (pod === undefined) return undefined;
    this.#forget();
    this.pods.delete(key);
    if (pod.hasAffinity) {
      this.podsWithAffinity = this.podsWithAffinity.filter((other) => other !== pod);
      this.podsWithRequiredAntiAffinity = this.podsWithRequiredAntiAffinity.filter((other) => other !== pod);
    }
    this.#count(pod, -1);
    return pod;
  }

  /** For trying out what would be: the node object is shared, the pods are not. */
  clone(): NodeInfo {
    const clone = new NodeInfo(this.node, this);
    clone.podsWithAffinity = this.podsWithAffinity;
    clone.podsWithRequiredAntiAffinity = this.podsWithRequiredAntiAffinity;
    clone.nonZeroRequested.cpu = this.nonZeroRequested.cpu;
    clone.nonZeroRequested.memory = this.nonZeroRequested.memory;
    return clone;
  }

  #forget(): void {
    this.verdict = undefined;
    this.preemption = undefined;
    this.matching = undefined;
  }

  #count(pod: PodInfo, sign: 1 | -1): void {
    this.requested.add(pod.requests, sign);
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
