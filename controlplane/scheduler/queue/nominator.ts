import type { PodInfo } from "../pod-info.ts";

/** Pods for which room is being made, by the node where: others must not take it. A pod has one promise at most. */
export class Nominator {
  readonly #byNode = new Map<string, Map<string, PodInfo>>();
  readonly #nodeOf = new Map<string, string>();

  onNode(node: string): readonly PodInfo[] {
    const pods = this.#byNode.get(node);
    return pods === undefined ? [] : [...pods.values()];
  }

  nodeOf(key: string): string | undefined {
    return this.#nodeOf.get(key);
  }

  set(pod: PodInfo, node: string): void {
    this.delete(pod.key);
    this.#nodeOf.set(pod.key, node);
    const pods = this.#byNode.get(node);
    if (pods === undefined) this.#byNode.set(node, new Map([[pod.key, pod]]));
    else pods.set(pod.key, pod);
  }

  /** The node that was promised, if one was. */
  delete(key: string): string | undefined {
    const node = this.#nodeOf.get(key);
    if (node === undefined) return undefined;
    this.#nodeOf.delete(key);
    const pods = this.#byNode.get(node);
    pods?.delete(key);
    if (pods?.size === 0) this.#byNode.delete(node);
    return node;
  }

  /** What the API server shows of a waiting pod. A version from before the promise does not take it back. */
  see(old: PodInfo | undefined, pod: PodInfo): void {
    const nominated = pod.pod.status?.nominatedNodeName ?? "";
    if (nominated !== "") this.set(pod, nominated);
    else if ((old?.pod.status?.nominatedNodeName ?? "") !== "") this.delete(pod.key);
  }
}
