import type { PersistentVolume, PersistentVolumeClaim, Pod, VolumeAttachment } from "../../api/mod.ts";
import type { Registry, Served } from "../registry/served.ts";
import type { NodeObjects } from "./node-authorizer.ts";

/** What the Node authorizer looks at, as the watch caches show it, with the pods of each node at hand. `start` first. */
export class NodeIndex implements NodeObjects {
  readonly #pods: Served;
  readonly #claims: Served | undefined;
  readonly #volumes: Served | undefined;
  readonly #attachments: Served | undefined;
  /** By node and key. */
  readonly #podsOf = new Map<string, Map<string, Pod>>();

  constructor(registry: Registry) {
    this.#pods = registry.need("", "v1", "pods");
    this.#claims = registry.find("", "v1", "persistentvolumeclaims");
    this.#volumes = registry.find("", "v1", "persistentvolumes");
    this.#attachments = registry.find("storage.k8s.io", "v1", "volumeattachments");
  }

  async start(): Promise<void> {
    const others = [this.#claims, this.#volumes, this.#attachments];
    await Promise.all([this.#follow(), ...others.map((served) => served?.cache.start())]);
  }

  podsOn(node: string): Iterable<Pod> {
    return this.#podsOf.get(node)?.values() ?? [];
  }

  pod(namespace: string, name: string): Pod | undefined {
    return this.#pods.cache.get(this.#pods.key(namespace, name)) as Pod | undefined;
  }

  claim(namespace: string, name: string): PersistentVolumeClaim | undefined {
    return get<PersistentVolumeClaim>(this.#claims, namespace, name);
  }

  volume(name: string): PersistentVolume | undefined {
    return get<PersistentVolume>(this.#volumes, "", name);
  }

  attachment(name: string): VolumeAttachment | undefined {
    return get<VolumeAttachment>(this.#attachments, "", name);
  }

  async #follow(): Promise<void> {
    const { cache } = this.#pods;
    await cache.start();
    this.#podsOf.clear();
    for (const [key, pod] of cache.entries(this.#pods.prefix(""))) this.#put(key, undefined, pod as unknown as Pod);
    cache.subscribe(this.#pods.prefix(""), cache.revision, {
      event: ({ key, previous, object }) =>
        this.#put(key, previous as unknown as Pod | undefined, object as unknown as Pod | undefined),
      // The cache begins anew, and so does this; until then the pods it knew stand for those there are.
      lost: () => void this.#follow().catch(() => this.#podsOf.clear()),
    });
  }

  #put(key: string, previous: Pod | undefined, pod: Pod | undefined): void {
    const before = previous?.spec.nodeName ?? "";
    const now = pod?.spec.nodeName ?? "";
    if (before !== now) {
      const left = this.#podsOf.get(before);
      left?.delete(key);
      if (left?.size === 0) this.#podsOf.delete(before);
    }
    if (now === "" || pod === undefined) return;
    const pods = this.#podsOf.get(now) ?? new Map<string, Pod>();
    pods.set(key, pod);
    this.#podsOf.set(now, pods);
  }
}

function get<T>(served: Served | undefined, namespace: string, name: string): T | undefined {
  return served?.cache.get(served.key(namespace, name)) as T | undefined;
}
