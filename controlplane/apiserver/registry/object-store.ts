import { assert } from "../../../base/mod.ts";
import { equalJson, type KubeObject } from "../../api/mod.ts";
import { decodeStored, encodeForStore, withResourceVersion } from "../storage/codec.ts";
import type { Store, Stored } from "../storage/store.ts";
import type { WatchCache } from "../storage/watch-cache.ts";

/** What is to become of the object an update was shown. */
export type Change =
  | { readonly kind: "write"; readonly object: KubeObject }
  | { readonly kind: "delete" }
  /** Leave it; `object` is the answer. */
  | { readonly kind: "keep"; readonly object: KubeObject };

export interface Changed {
  readonly object: KubeObject;
  readonly how: "created" | "updated" | "deleted" | "unchanged";
}

export interface ObjectStoreOptions {
  readonly store: Store;
  readonly cache: WatchCache;
  /** Grants the lease that new objects live on; absent: they live until deleted. */
  readonly lease?: () => Promise<bigint>;
}

/** Reads and conditional writes of the objects of one resource, by key. Everything is optimistic on the mod revision. */
export class ObjectStore {
  readonly cache: WatchCache;
  readonly #store: Store;
  readonly #lease: (() => Promise<bigint>) | undefined;

  constructor(options: ObjectStoreOptions) {
    this.cache = options.cache;
    this.#store = options.store;
    this.#lease = options.lease;
  }

  /** The newest state, read from the store's quorum. */
  async get(key: string): Promise<KubeObject | undefined> {
    return (await this.#read(key))?.object;
  }

  async #read(key: string): Promise<Fresh | undefined> {
    const stored = await this.#store.get(key);
    if (stored === undefined) return undefined;
    // The cache often holds this very version already parsed, and encoded.
    const cached = this.cache.get(key);
    const isCached = cached?.metadata.resourceVersion === String(stored.modRevision);
    return { object: isCached ? cached : decodeStored(stored), rewrite: stored.stale === true };
  }

  /** undefined: the key is taken. */
  async create(key: string, object: KubeObject): Promise<KubeObject | undefined> {
    const lease = await this.#lease?.();
    const result = await this.#store.put(key, encodeForStore(object), 0, lease);
    return result.ok ? withResourceVersion(object, result.revision) : undefined;
  }

  /**
   * Shows `decide` the current state (undefined: absent) and carries out what it says, if that state is still current
   * then; else asks again. The first try may see a cached, slightly old state: whatever would come of it other than a
   * successful write, be it an exception, is decided anew on the newest one.
   */
  async update(key: string, decide: (current: KubeObject | undefined) => Change | Promise<Change>): Promise<Changed> {
    let current = this.cache.get(key);
    /** What the store has just told; undefined: `current` is as old as the cache. */
    let fresh: { readonly rewrite: boolean } | undefined;
    const read = async () => {
      const found = await this.#read(key);
      current = found?.object;
      fresh = { rewrite: found?.rewrite === true };
    };
    if (current === undefined) await read();
    for (;;) {
      let outcome: Changed | Conflict | "stale";
      try {
        const change = await decide(current);
        outcome = await this.#carryOut(key, current, change, fresh);
      } catch (error) {
        if (fresh !== undefined) throw error;
        outcome = "stale";
      }
      if (outcome === "stale") await read();
      else if ("how" in outcome) return outcome;
      else {
        current = outcome.newest && decodeStored(outcome.newest);
        fresh = { rewrite: outcome.newest?.stale === true };
      }
    }
  }

  async #carryOut(
    key: string,
    current: KubeObject | undefined,
    change: Change,
    fresh: { readonly rewrite: boolean } | undefined,
  ): Promise<Changed | Conflict | "stale"> {
    if (change.kind === "keep") return fresh ? { object: change.object, how: "unchanged" } : "stale";
    const expected = Number(current?.metadata.resourceVersion ?? 0);
    if (change.kind === "delete") {
      assert(current !== undefined, "what is deleted was there");
      const result = await this.#store.delete(key, expected);
      if (!result.ok) return { newest: result.current };
      return { object: withResourceVersion(current, result.revision), how: "deleted" };
    }
    if (current !== undefined && !fresh?.rewrite && sameContent(current, change.object))
      return fresh ? { object: current, how: "unchanged" } : "stale";
    const lease = await this.#lease?.();
    const result = await this.#store.put(key, encodeForStore(change.object), expected, lease);
    if (!result.ok) return { newest: result.current };
    return { object: withResourceVersion(change.object, result.revision), how: current ? "updated" : "created" };
  }
}

/** As the store has it now. `rewrite`: writing it again makes a difference even if nothing in it changes. */
interface Fresh {
  readonly object: KubeObject;
  readonly rewrite: boolean;
}

/** Somebody else wrote first; the store's answer says what. */
interface Conflict {
  readonly newest: Stored | undefined;
}

function sameContent(a: KubeObject, b: KubeObject): boolean {
  const bare = (object: KubeObject) => ({ ...object, metadata: { ...object.metadata, resourceVersion: undefined } });
  return equalJson(bare(a), bare(b));
}
