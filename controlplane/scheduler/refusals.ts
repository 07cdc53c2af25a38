import type { Refusal } from "./framework/plugin.ts";
import type { NodeInfo } from "./node-info.ts";

/** Which nodes refused a pod, and why, in the order in which they were asked. Thousands are noted of a pod that fits nowhere, and few are looked up. */
export class Refusals {
  readonly #nodes: NodeInfo[] = [];
  readonly #refusals: Refusal[] = [];

  /** Each node once. */
  add(node: NodeInfo, refusal: Refusal): void {
    this.#nodes.push(node);
    this.#refusals.push(refusal);
  }

  /** Takes a look at each: not for loops. */
  of(nodeName: string): Refusal | undefined {
    const at = this.#nodes.findIndex(({ name }) => name === nodeName);
    return this.#refusals[at];
  }

  values(): readonly Refusal[] {
    return this.#refusals;
  }

  /** Nodes that removing pods could help. */
  resolvable(): NodeInfo[] {
    return this.#nodes.filter((_, i) => !(this.#refusals[i] as Refusal).unresolvable);
  }
}
