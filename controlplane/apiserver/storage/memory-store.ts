import { assert } from "../../../base/mod.ts";
import {
  type CompactionClaim,
  prefixEnd,
  type RangeOptions,
  type RangeResult,
  type Store,
  type Stored,
  type StoreEvent,
  type StoreWatch,
  type WatchSink,
  type WriteResult,
} from "./store.ts";

interface Watcher {
  readonly prefix: string;
  readonly from: number;
  readonly sink: WatchSink;
}

/** The store's twin in memory: same answers, no process. History is kept until compaction, as etcd keeps it. */
export class MemoryStore implements Store {
  #revision = 1;
  #compacted = 0;
  /** Every change ever made, in order: state at a revision is its replay. Small stores only, which tests are. */
  readonly #history: StoreEvent[] = [];
  readonly #live = new Map<string, Stored>();
  readonly #watchers = new Set<Watcher>();
  readonly #leases = new Map<bigint, Set<string>>();
  #nextLease = 1n;
  #compactionVersion = 0;

  async get(key: string): Promise<Stored | undefined> {
    return this.#live.get(key);
  }

  async range(prefix: string, options: RangeOptions = {}): Promise<RangeResult> {
    const at = options.revision ?? this.#revision;
    if (at > this.#revision) return { ok: false, error: "FutureRevision" };
    if (at < this.#compacted) return { ok: false, error: "Compacted" };
    const from = options.from ?? prefix;
    const end = prefixEnd(prefix);
    const items = [...this.#stateAt(at).values()]
      .filter(({ key }) => key >= from && key < end)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    const shown = options.limit ? items.slice(0, options.limit) : items;
    return { ok: true, items: shown, revision: this.#revision, count: items.length };
  }

  async revision(): Promise<number> {
    return this.#revision;
  }

  async put(key: string, value: Uint8Array, expected: number, lease?: bigint): Promise<WriteResult> {
    const current = this.#live.get(key);
    if ((current?.modRevision ?? 0) !== expected) return { ok: false, current };
    const modRevision = ++this.#revision;
    this.#live.set(key, { key, value, modRevision });
    if (lease !== undefined) {
      const keys = this.#leases.get(lease);
      assert(keys !== undefined, "a key is attached to a lease that exists");
      keys.add(key);
    }
    this.#publish([{ key, value, modRevision }]);
    return { ok: true, revision: modRevision };
  }

  async delete(key: string, expected: number): Promise<WriteResult> {
    const current = this.#live.get(key);
    if (current?.modRevision !== expected) return { ok: false, current };
    this.#remove([key]);
    return { ok: true, revision: this.#revision };
  }

  watch(prefix: string, from: number, sink: WatchSink): StoreWatch {
    const watcher = { prefix, from, sink };
    const past = this.#history.filter((event) => event.key.startsWith(prefix) && event.modRevision >= from);
    const gone = from <= this.#compacted;
    this.#watchers.add(watcher);
    queueMicrotask(() => {
      if (!this.#watchers.has(watcher)) return;
      if (gone) sink.compacted();
      else if (past.length > 0) sink.events(past);
    });
    return {
      requestProgress: () => queueMicrotask(() => this.#watchers.has(watcher) && sink.progress(this.#revision)),
      close: () => void this.#watchers.delete(watcher),
    };
  }

  async grantLease(_ttlSeconds: number): Promise<bigint> {
    const id = this.#nextLease++;
    this.#leases.set(id, new Set());
    return id;
  }

  /** What the passing of time does in etcd. */
  expireLease(id: bigint): void {
    const keys = this.#leases.get(id) ?? [];
    this.#leases.delete(id);
    this.#remove([...keys]);
  }

  async claimCompaction(version: number): Promise<CompactionClaim> {
    if (version !== this.#compactionVersion)
      return { won: false, version: this.#compactionVersion, revision: this.#revision };
    this.#compactionVersion++;
    return { won: true, revision: ++this.#revision };
  }

  async compact(revision: number): Promise<void> {
    this.#compacted = Math.max(this.#compacted, revision);
  }

  async supportsProgress(): Promise<boolean> {
    return true;
  }

  async close(): Promise<void> {
    this.#watchers.clear();
  }

  #stateAt(revision: number): Map<string, Stored> {
    if (revision === this.#revision) return this.#live;
    const state = new Map<string, Stored>();
    for (const { key, value, modRevision } of this.#history) {
      if (modRevision > revision) break;
      if (value === undefined) state.delete(key);
      else state.set(key, { key, value, modRevision });
    }
    return state;
  }

  #remove(keys: readonly string[]): void {
    if (keys.length === 0) return;
    const modRevision = ++this.#revision;
    for (const key of keys) this.#live.delete(key);
    this.#publish(keys.map((key) => ({ key, value: undefined, modRevision })));
  }

  #publish(events: readonly StoreEvent[]): void {
    this.#history.push(...events);
    for (const watcher of [...this.#watchers]) {
      const wanted = events.filter(
        ({ key, modRevision }) => key.startsWith(watcher.prefix) && modRevision >= watcher.from,
      );
      if (wanted.length === 0) continue;
      // Like the network, later than the write's own answer may be, and in order.
      queueMicrotask(() => this.#watchers.has(watcher) && watcher.sink.events(wanted));
    }
  }
}
