import type { Plugin } from "./plugin.ts";

/** Names what one plugin keeps for the length of a cycle, and its type. */
export class StateKey<T> {
  readonly name: string;
  /** For plugins whose addPod and removePod change what they keep: preemption tries things out on copies. */
  readonly copy: (value: T) => T;

  constructor(name: string, copy: (value: T) => T = (value) => value) {
    this.name = name;
    this.copy = copy;
  }
}

/** What plugins work out once per scheduling cycle, at preFilter and preScore, and ask again for every node. */
export class CycleState {
  /** Plugins that preFilter left to filter this pod, and of these those that follow pods that are added and removed. Undefined: all. */
  filters: readonly Plugin[] | undefined;
  extensions: readonly Plugin[] | undefined;
  /** The same for all pods that each node must give the same verdict; undefined if the verdict depends on more than the pod and the node. */
  signature: string | undefined;
  readonly #values = new Map<StateKey<unknown>, unknown>();

  get<T>(key: StateKey<T>): T | undefined {
    return this.#values.get(key as StateKey<unknown>) as T | undefined;
  }

  set<T>(key: StateKey<T>, value: T): void {
    this.#values.set(key as StateKey<unknown>, value);
  }

  /** Changes to the copy leave this one as it is. */
  clone(): CycleState {
    const clone = new CycleState();
    clone.filters = this.filters;
    clone.extensions = this.extensions;
    clone.signature = this.signature;
    for (const [key, value] of this.#values) clone.#values.set(key, key.copy(value));
    return clone;
  }
}
