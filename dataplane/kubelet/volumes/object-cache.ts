import type { Clock, Log, Random } from "../../../base/mod.ts";
import type { ConfigMap, Secret } from "../../../controlplane/api/mod.ts";
import { Informer, keyFor, type ObjectKey, type ResourceClient, splitKey } from "../../../controlplane/client/mod.ts";

export interface ObjectCacheOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** What the messages call these objects: configmap, secret. */
  readonly resource: string;
  /** An object changed; these pods (by uid) refer to it. */
  readonly onChange: (uids: readonly string[]) => void;
}

interface Entry<T extends ConfigMap | Secret> {
  readonly informer: Informer<T>;
  readonly stop: AbortController;
  readonly users: Set<string>;
}

/** How long a container waits for the first answer of the API server. */
const syncTimeoutMs = 10_000;

/** The ConfigMaps or Secrets that pods of this node refer to, each watched by name: a node may not read others. */
export class ObjectCache<T extends ConfigMap | Secret> {
  readonly #client: ResourceClient<T>;
  readonly #options: ObjectCacheOptions;
  readonly #entries = new Map<ObjectKey, Entry<T>>();

  constructor(client: ResourceClient<T>, options: ObjectCacheOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** From now on the pod refers to exactly these objects of its namespace. */
  register(uid: string, namespace: string, names: Iterable<string>): void {
    const wanted = new Set([...names].map((name) => keyFor(namespace, name)));
    for (const key of wanted) this.#entry(key).users.add(uid);
    for (const [key, entry] of this.#entries) {
      if (wanted.has(key) || !entry.users.delete(uid) || entry.users.size > 0) continue;
      entry.stop.abort();
      this.#entries.delete(key);
    }
  }

  unregister(uid: string): void {
    this.register(uid, "", []);
  }

  /** Undefined: there is no such object. Rejects when the API server does not say within ten seconds. */
  async get(namespace: string, name: string): Promise<T | undefined> {
    const entry = this.#entries.get(keyFor(namespace, name));
    if (entry === undefined) throw new Error(`object "${namespace}"/"${name}" not registered`);
    if (!entry.informer.hasSynced) await this.#synced(entry);
    return entry.informer.lister.get(namespace, name);
  }

  close(): void {
    for (const entry of this.#entries.values()) entry.stop.abort();
    this.#entries.clear();
  }

  #entry(key: ObjectKey): Entry<T> {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const { clock, random, log } = this.#options;
    const { namespace, name } = splitKey(key);
    const fieldSelector = `metadata.name=${name}`;
    const informer = new Informer<T>(this.#client, { namespace, fieldSelector, clock, random, log });
    const entry: Entry<T> = { informer, stop: new AbortController(), users: new Set() };
    const changed = () => this.#options.onChange([...entry.users]);
    informer.addHandler({ onAdd: changed, onUpdate: changed, onDelete: changed });
    informer
      .run(entry.stop.signal)
      .catch((error: Error) => log("error", "a watch ended", { key, error: error.message }));
    this.#entries.set(key, entry);
    return entry;
  }

  async #synced(entry: Entry<T>): Promise<void> {
    const stop = new AbortController();
    const timer = this.#options.clock.after(syncTimeoutMs, () =>
      stop.abort(new Error(`failed to sync ${this.#options.resource} cache: timed out waiting for the condition`)),
    );
    try {
      await entry.informer.synced(stop.signal);
    } finally {
      timer.cancel();
    }
  }
}
