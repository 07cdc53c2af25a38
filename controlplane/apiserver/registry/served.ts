import type { Clock, Log } from "../../../base/mod.ts";
import { apiVersionOf, type GroupResource, type KubeObject, type Resource } from "../../api/mod.ts";
import { LeasePool } from "../storage/lease-pool.ts";
import type { Store } from "../storage/store.ts";
import { WatchCache } from "../storage/watch-cache.ts";
import { Lister } from "./list.ts";
import { ObjectStore } from "./object-store.ts";

/** Events are forgotten after an hour; everything else stays until it is deleted. */
const EVENT_TTL_SECONDS = 3600;

/** A stored resource at work: its declaration, and its objects. */
export class Served {
  readonly resource: Resource;
  readonly apiVersion: string;
  readonly names: GroupResource;
  readonly objects: ObjectStore;
  readonly cache: WatchCache;
  readonly lister: Lister;
  readonly #prefix: string;
  readonly #presented = new WeakMap<KubeObject, KubeObject>();

  constructor(resource: Resource, prefix: string, parts: Pick<Served, "objects" | "cache" | "lister">) {
    this.resource = resource;
    this.apiVersion = apiVersionOf(resource);
    this.names = { group: resource.group, resource: resource.plural };
    this.objects = parts.objects;
    this.cache = parts.cache;
    this.lister = parts.lister;
    this.#prefix = prefix;
  }

  key(namespace: string, name: string): string {
    return this.prefix(namespace) + name;
  }

  /** What the keys of a namespace start with; "" is all namespaces. */
  prefix(namespace: string): string {
    return this.resource.namespaced && namespace !== "" ? `${this.#prefix}/${namespace}/` : `${this.#prefix}/`;
  }

  /** The stored object as this resource shows it: another kind where two resources share their storage. */
  present(stored: KubeObject): KubeObject {
    const { storedAs } = this.resource;
    if (storedAs === undefined) return stored;
    let shown = this.#presented.get(stored);
    if (shown === undefined) {
      shown = storedAs.fromStorage(stored);
      this.#presented.set(stored, shown);
    }
    return shown;
  }

  toStorage(object: KubeObject): KubeObject {
    return this.resource.storedAs?.toStorage(object) ?? object;
  }
}

export interface RegistryOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly resources: readonly Resource[];
}

/** All resources that are stored, by group, version and plural. Resources that share their storage share their cache. */
export class Registry {
  readonly #served = new Map<string, Served>();
  readonly #caches = new Map<string, WatchCache>();

  constructor({ store, clock, log, resources }: RegistryOptions) {
    for (const resource of resources) {
      const prefix = (resource.storedAs?.resource ?? resource).storagePrefix;
      if (prefix === undefined) continue;
      const cache = this.#caches.get(prefix) ?? new WatchCache(store, `${prefix}/`, { clock, log });
      this.#caches.set(prefix, cache);
      const leases = prefix === "/registry/events" ? new LeasePool(store, clock, EVENT_TTL_SECONDS) : undefined;
      const objects = new ObjectStore({ store, cache, ...(leases && { lease: () => leases.lease() }) });
      const served = new Served(resource, prefix, { objects, cache, lister: new Lister(store, cache) });
      this.#served.set(idOf(resource.group, resource.version, resource.plural), served);
    }
  }

  find(group: string, version: string, plural: string): Served | undefined {
    return this.#served.get(idOf(group, version, plural));
  }

  /** A resource this server cannot be without. */
  need(group: string, version: string, plural: string): Served {
    const served = this.find(group, version, plural);
    if (served === undefined) throw new Error(`${plural} of ${group || "core"}/${version} must be served`);
    return served;
  }

  *caches(): Generator<[prefix: string, cache: WatchCache]> {
    yield* this.#caches;
  }

  close(): void {
    for (const cache of this.#caches.values()) cache.close();
  }
}

const idOf = (group: string, version: string, plural: string) => `${group}/${version}/${plural}`;
