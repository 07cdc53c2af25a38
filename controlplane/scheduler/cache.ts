import type { Node, Pod } from "../api/mod.ts";
import { keyOf } from "../client/mod.ts";
import { type Cluster, type Nominations, noNominations, type Objects } from "./cluster.ts";
import { NodeInfo } from "./node-info.ts";
import { interleaved, zoneOf } from "./node-order.ts";
import { type PodInfo, podInfo } from "./pod-info.ts";

/** A pod that has ended holds no resources. */
export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/**
 * What the scheduler believes of nodes and their pods. A pod that was given a node is assumed to be there at once, before the API
 * server has said so; the assumption ends when the informer shows the pod, when binding fails (forget), or, for a pod that nobody shows
 * long after it was bound, by itself (expire).
 *
 * A scheduling cycle looks at the cache itself, not at a copy: it never waits, so nothing moves under it. Lists over all nodes are kept up with
 * each change instead of being made for each pod.
 */
export class Cache implements Cluster {
  readonly objects: Objects;
  readonly nominations: Nominations;
  readonly #nodes = new Map<string, NodeInfo>();
  /** Undefined: to be put in order again, as nodes came, went or moved to another zone. */
  #order: readonly NodeInfo[] | undefined;
  readonly nodesWithAffinity = new Set<NodeInfo>();
  readonly nodesWithRequiredAntiAffinity = new Set<NodeInfo>();
  readonly #nodesByImage = new Map<string, number>();
  readonly #claimUsers = new Map<string, number>();
  /** Node of each pod that is counted. A pod may name a node that is not known (yet). */
  readonly #nodeOfPod = new Map<string, string>();
  readonly #podsWithoutNode = new Map<string, PodInfo>();
  /** Assumed pods, with the time after which one that was bound is no longer believed in. */
  readonly #assumed = new Map<string, number>();

  constructor(objects: Objects, nominations: Nominations = noNominations) {
    this.objects = objects;
    this.nominations = nominations;
  }

  get nodes(): readonly NodeInfo[] {
    this.#order ??= interleaved(this.#nodes.values());
    return this.#order;
  }

  get nodeCount(): number {
    return this.#nodes.size;
  }

  node(name: string): NodeInfo | undefined {
    return this.#nodes.get(name);
  }

  nodesWithImage(name: string): number {
    return this.#nodesByImage.get(name) ?? 0;
  }

  claimUsers(claim: string): number {
    return this.#claimUsers.get(claim) ?? 0;
  }

  isAssumed(key: string): boolean {
    return this.#assumed.has(key);
  }

  setNode(node: Node): void {
    const name = node.metadata.name as string;
    const known = this.#nodes.get(name);
    if (known !== undefined) {
      const zone = zoneOf(known);
      this.#countImages(known, -1);
      known.setNode(node);
      this.#countImages(known, 1);
      if (zoneOf(known) !== zone) this.#order = undefined;
      return;
    }
    const info = new NodeInfo(node);
    this.#nodes.set(name, info);
    this.#order = undefined;
    this.#countImages(info, 1);
    for (const [key, pod] of this.#podsWithoutNode) {
      if (this.#nodeOfPod.get(key) !== name) continue;
      this.#podsWithoutNode.delete(key);
      info.addPod(pod);
      this.#countClaims(pod, 1);
    }
    this.#list(info);
  }

  removeNode(name: string): void {
    const info = this.#nodes.get(name);
    if (info === undefined) return;
    this.#nodes.delete(name);
    this.#order = undefined;
    this.#countImages(info, -1);
    this.nodesWithAffinity.delete(info);
    this.nodesWithRequiredAntiAffinity.delete(info);
    for (const pod of info.pods.values()) {
      this.#countClaims(pod, -1);
      this.#podsWithoutNode.set(pod.key, pod);
    }
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
    this.#assumed.set(pod.key, Number.POSITIVE_INFINITY);
    this.#add(pod, node);
  }

  /** The API server has taken the binding; `at` is when to stop believing in it if it never shows. */
  expireAt(key: string, at: number): void {
    if (this.#assumed.has(key)) this.#assumed.set(key, at);
  }

  /** Forgets what should have shown by now; returns their keys. */
  expire(now: number): string[] {
    const expired = [...this.#assumed].filter(([, at]) => at <= now).map(([key]) => key);
    for (const key of expired) this.forget(key);
    return expired;
  }

  /** Binding failed: the pod is not there after all. Does nothing once the informer has spoken. */
  forget(key: string): void {
    if (this.#assumed.delete(key)) this.#remove(key);
  }

  #add(pod: PodInfo, node: string): void {
    this.#nodeOfPod.set(pod.key, node);
    const info = this.#nodes.get(node);
    if (info === undefined) this.#podsWithoutNode.set(pod.key, pod);
    else {
      info.addPod(pod);
      this.#countClaims(pod, 1);
      if (pod.hasAffinity) this.#list(info);
    }
  }

  #remove(key: string): void {
    const node = this.#nodeOfPod.get(key);
    if (node === undefined) return;
    this.#nodeOfPod.delete(key);
    const info = this.#nodes.get(node);
    this.#podsWithoutNode.delete(key);
    const pod = info?.removePod(key);
    if (info === undefined || pod === undefined) return;
    this.#countClaims(pod, -1);
    if (pod.hasAffinity) this.#list(info);
  }

  /** Keeps the node in the lists that it belongs in. */
  #list(info: NodeInfo): void {
    if (info.podsWithAffinity.length > 0) this.nodesWithAffinity.add(info);
    else this.nodesWithAffinity.delete(info);
    if (info.podsWithRequiredAntiAffinity.length > 0) this.nodesWithRequiredAntiAffinity.add(info);
    else this.nodesWithRequiredAntiAffinity.delete(info);
  }

  #countImages(info: NodeInfo, by: 1 | -1): void {
    for (const name of info.images.keys()) change(this.#nodesByImage, name, by);
  }

  #countClaims(pod: PodInfo, by: 1 | -1): void {
    for (const name of pod.claims) change(this.#claimUsers, `${pod.namespace}/${name}`, by);
  }
}

function change(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
