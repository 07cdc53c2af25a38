import type { PodInfo } from "../pod-info.ts";

const nobody: readonly PodInfo[] = [];

/** Pods for which room is being made, by the node where: others must not take it. A pod has one promise at most. */
export class Nominator {
  /** Lists are replaced, not changed: whoever was given one may keep it. */
  readonly #byNode = new Map<string, PodInfo[]>();
  readonly #nodeOf = new Map<string, string>();

  onNode(node: string): readonly PodInfo[] {
    return this.#byNode.get(node) ?? nobody;
  }

  nodeOf(key: string): string | undefined {
    return this.#nodeOf.get(key);
  }

  set(pod: PodInfo, node: string): void {
    this.delete(pod.key);
    this.#nodeOf.set(pod.key, node);
    this.#byNode.set(node, [...this.onNode(node), pod]);
  }

  /** The node that was promised, if one was. */
  delete(key: string): string | undefined {
    const node = this.#nodeOf.get(key);
    if (node === undefined) return undefined;
    this.#nodeOf.delete(key);
    const others = this.onNode(node).filter((pod) => pod.key !== key);
    if (others.length === 0) this.#byNode.delete(node);
    else this.#byNode.set(node, others);
    return node;
  }

  /** What the API server shows of a waiting pod. A version from before the promise does not take it back. */
  see(old: PodInfo | undefined, pod: PodInfo): void {
    const nominated = pod.pod.status?.nominatedNodeName ?? "";
    if (nominated !== "") this.set(pod, nominated);
    else if ((old?.pod.status?.nominatedNodeName ?? "") !== "") this.delete(pod.key);
  }
}
