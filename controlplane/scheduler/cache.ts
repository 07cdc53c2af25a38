import type { Node, Pod } from "../api/mod.ts";
import { keyOf } from "../client/mod.ts";
import type { ClusterFacts } from "./framework.ts";
import { NodeInfo } from "./node-info.ts";
import { type PodInfo, podInfo } from "./pod-info.ts";

/** A pod that has ended holds no resources. */
export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/**
 * What the scheduler believes of nodes and their pods. A pod that was given a node is assumed to be there at once, before the API
 * server has said so; the assumption ends when the informer shows the pod, or when binding fails (forget).
 */
export class Cache implements ClusterFacts {
  readonly #nodes = new Map<string, NodeInfo>();
  /** Node of each pod that is counted. A pod may name a node that is not known (yet). */
  readonly #nodeOfPod = new Map<string, string>();
  readonly #podsWithoutNode = new Map<string, PodInfo>();
  readonly #assumed = new Set<string>();

  get nodeCount(): number {
    return this.#nodes.size;
  }

  nodes(): NodeInfo[] {
    return [...this.#nodes.values()];
  }

  isAssumed(key: string): boolean {
    return this.#assumed.has(key);
  }

  nodesWithImage(name: string): number {
    let count = 0;
    for (const node of this.#nodes.values()) if (node.images.has(name)) count++;
    return count;
  }

  setNode(node: Node): void {
    const name = node.metadata.name as string;
    const known = this.#nodes.get(name);
    if (known !== undefined) {
      known.setNode(node);
      return;
    }
    const info = new NodeInfo(node);
    this.#nodes.set(name, info);
    for (const [key, pod] of this.#podsWithoutNode) {
      if (this.#nodeOfPod.get(key) !== name) continue;
      this.#podsWithoutNode.delete(key);
      info.addPod(pod);
    }
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (info === undefined) return;
    this.#nodes.delete(name);
    for (const pod of info.pods.values()) this.#podsWithoutNode.set(pod.key, pod);
  }

  /** The informer shows a pod with a node: the truth replaces what was assumed. */
  setPod(pod: Pod): void {
    const key = keyOf(pod);
    this.#remove(key);
    this.#assumed.delete(key);
    if (!isTerminal(pod)) this.#add(podInfo(pod), pod.spec?.nodeName as string);
  }

  removePod(pod: Pod): void {
    const key = keyOf(pod);
    this.#assumed.delete(key);
    this.#remove(key);
  }

  assume(pod: PodInfo, node: string): void {
    this.#remove(pod.key);
    this.#assumed.add(pod.key);
    this.#add(pod, node);
  }

  /** Binding failed: the pod is not there after all. Does nothing once the informer has spoken. */
  forget(key: string): void {
    if (this.#assumed.delete(key)) this.#remove(key);
  }

  #add(pod: PodInfo, node: string): void {
    this.#nodeOfPod.set(pod.key, node);
    const info = this.#nodes.get(node);
    if (info === undefined) this.#podsWithoutNode.set(pod.key, pod);
    else info.addPod(pod);
  }

  #remove(key: string): void {
    const node = this.#nodeOfPod.get(key);
    if (node === undefined) return;
    this.#nodeOfPod.delete(key);
    this.#podsWithoutNode.delete(key);
    this.#nodes.get(node)?.removePod(key);
  }
}
