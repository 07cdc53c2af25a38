import type { Informer, KubernetesObject } from "../../client/mod.ts";
import { keyOf } from "../../client/mod.ts";

/**
 * An informer's cache with what was just written laid over it: without that, a claim that is looked at again before the event of its
 * first volume arrives would be given a second one. What has caught up is forgotten.
 */
export class WrittenCache<T extends KubernetesObject> {
  readonly #informer: Informer<T>;
  readonly #written = new Map<string, T>();

  constructor(informer: Informer<T>) {
    this.#informer = informer;
    informer.addHandler({
      onUpdate: (_, now) => this.#caughtUp(now),
      onDelete: (last) => this.#written.delete(keyOf(last)),
    });
  }

  get(namespace: string | undefined, name: string): T | undefined {
    const cached = this.#informer.lister.get(namespace, name);
    if (cached === undefined) return undefined;
    const written = this.#written.get(keyOf(cached));
    return written !== undefined && version(written) > version(cached) ? written : cached;
  }

  list(): T[] {
    return this.#informer.lister
      .list()
      .map((cached) => this.get(cached.metadata.namespace, cached.metadata.name ?? "") ?? cached);
  }

  /** Returns what it is given. */
  written(object: T): T {
    this.#written.set(keyOf(object), object);
    return object;
  }

  #caughtUp(now: T): void {
    const written = this.#written.get(keyOf(now));
    if (written !== undefined && version(written) <= version(now)) this.#written.delete(keyOf(now));
  }
}

/** Versions of one object grow; only their order is used (Kubernetes 1.35 made that part of the API). */
function version({ metadata }: KubernetesObject): bigint {
  return BigInt(metadata.resourceVersion ?? "0");
}
