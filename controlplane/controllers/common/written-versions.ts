import type { KubernetesObject } from "../../client/mod.ts";

/**
 * Versions of objects that we wrote, until the cache shows them. Who keeps books in a status must not turn the page before the last
 * entry is on it. Versions of one kind are compared as numbers, which Kubernetes declares them to be.
 */
export class WrittenVersions {
  readonly #versions = new Map<string, string>();

  note({ metadata }: KubernetesObject): void {
    this.#versions.set(metadata.uid ?? "", metadata.resourceVersion ?? "");
  }

  /** Whether an object from the cache is at least as new as what we wrote last. */
  isShownBy(object: KubernetesObject): boolean {
    const written = this.#versions.get(object.metadata.uid ?? "");
    if (written === undefined) return true;
    const shown = object.metadata.resourceVersion ?? "";
    if (written !== shown && Number(shown) < Number(written)) return false;
    this.forget(object);
    return true;
  }

  forget({ metadata }: KubernetesObject): void {
    this.#versions.delete(metadata.uid ?? "");
  }
}
