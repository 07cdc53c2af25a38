import type { KubernetesObject, Lister } from "../client/mod.ts";
import { keyOf } from "../client/mod.ts";

/** Objects as the API server shows them, except those that are about to be written: these are believed until it shows something newer. */
export class AssumeCache<T extends KubernetesObject> {
  readonly #lister: Lister<T>;
  readonly #assumed = new Map<string, T>();

  constructor(lister: Lister<T>) {
    this.#lister = lister;
  }

  get(key: string): T | undefined {
    return this.#assumed.get(key) ?? this.#lister.getByKey(key);
  }

  assume(object: T): void {
    this.#assumed.set(keyOf(object), object);
  }

  forget(object: T): void {
    this.#assumed.delete(keyOf(object));
  }

  /** The server has shown this. An echo of what we started from takes nothing back. */
  see(object: T): void {
    const key = keyOf(object);
    const assumed = this.#assumed.get(key);
    if (assumed !== undefined && assumed.metadata.resourceVersion === object.metadata.resourceVersion) {
      // Either what we wrote has arrived, or the version that we are about to change was shown again.
      return;
    }
    this.#assumed.delete(key);
  }
}
