import { assert, type Clock, Deferred, type Log, Ring } from "../../../base/mod.ts";
import type { KubeObject } from "../../api/mod.ts";
import { decodeStored, withResourceVersion } from "./codec.ts";
import { SortedKeys } from "./sorted-keys.ts";
import type { Store, StoreEvent, StoreWatch } from "./store.ts";

export class CacheEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly key: string;
  /** State after the change; undefined when deleted. */
  readonly object: KubeObject | undefined;
  /** State before the change, if there was one. */
  readonly previous: KubeObject | undefined;
  readonly revision: number;
  #gone: KubeObject | undefined;

  constructor(key: string, object: KubeObject | undefined, previous: KubeObject | undefined, revision: number) {
    this.type = object === undefined ? "DELETED" : previous === undefined ? "ADDED" : "MODIFIED";
    this.key = key;
    this.object = object;
    this.previous = previous;
    this.revision = revision;
  }

  /** The last state under this revision: what whoever sees the object vanish is told. One object for all of them. */
  get gone(): KubeObject {
    assert(this.previous !== undefined, "only what was there vanishes");
    this.#gone ??= withResourceVersion(this.previous, this.revision);
    return this.#gone;
  }
}

export interface CacheListener {
  event(event: CacheEvent): void;
  /** The cache lost its history: the stream must end, so that its client lists again. */
  lost(): void;
}

export interface CacheSubscription {
  close(): void;
}

/** How much of the past stays at hand for watches that resume: at least this many events, and this many seconds. */
const HISTORY = { atLeast: 100, atMost: 10_000, keepMs: 75_000 };
const PAGE = 5_000;
const PROGRESS_INTERVAL_MS = 100;

/**
 * All objects of one resource as of one revision of the store, fed by one watch, plus the recent past.
 *
 * Invariant: `revision` only grows, and every change under the prefix up to it is in `#objects` and, if it is after
 * `#historyStart`, in `#history`. What subscribers saw and what `entries` shows never disagree, because both change in
 * the same turn of the event loop.
 */
export class WatchCache {
  readonly #store: Store;
  readonly #prefix: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #objects = new Map<string, KubeObject>();
  readonly #keys = new SortedKeys();
  #history = new Ring<{ readonly event: CacheEvent; readonly at: number }>();
  /** Revision after which the history is complete. */
  #historyStart = 0;
  #revision = 0;
  #started: Promise<void> | undefined;
  #watch: StoreWatch | undefined;
  #closed = false;
  #asking = false;
  readonly #listeners = new Map<CacheListener, { readonly prefix: string; readonly from: number }>();
  readonly #waiters = new Set<{ readonly revision: number; readonly done: Deferred<boolean> }>();

  constructor(store: Store, prefix: string, options: { readonly clock: Clock; readonly log: Log }) {
    this.#store = store;
    this.#prefix = prefix;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Watches can resume after this revision, not before. */
  get historyStart(): number {
    return this.#historyStart;
  }

  get size(): number {
    return this.#objects.size;
  }

  get started(): boolean {
    return this.#watch !== undefined;
  }

  /** Loads and follows the resource; the first caller pays, later ones share. A failure leaves the cache as if unasked. */
  start(): Promise<void> {
    this.#started ??= this.#load().catch((error: unknown) => {
      this.#started = undefined;
      throw error;
    });
    return this.#started;
  }

  get(key: string): KubeObject | undefined {
    return this.#objects.get(key);
  }

  /** Objects whose key starts with `prefix`, in key order, from key `from` on. */
  *entries(prefix: string, from = prefix): Generator<[key: string, object: KubeObject]> {
    for (const key of this.#keys.from(from)) {
      if (!key.startsWith(prefix)) return;
      yield [key, this.#objects.get(key) as KubeObject];
    }
  }

  /** True once the cache shows `revision`; false if that took longer than `timeoutMs`. */
  async waitFor(revision: number, timeoutMs: number): Promise<boolean> {
    if (this.#revision >= revision) return true;
    const waiter = { revision, done: new Deferred<boolean>() };
    this.#waiters.add(waiter);
    const timeout = this.#clock.after(timeoutMs, () => waiter.done.resolve(false));
    this.#watch?.requestProgress();
    if (!this.#asking) this.#askAgain();
    const reached = await waiter.done.promise;
    timeout.cancel();
    this.#waiters.delete(waiter);
    return reached;
  }

  /** Every change after revision `from` under `prefix`; "TooOld" when the history does not reach back that far. */
  subscribe(prefix: string, from: number, listener: CacheListener): CacheSubscription | "TooOld" {
    if (from < this.#historyStart) return "TooOld";
    for (const { event } of this.#history)
      if (event.revision > from && event.key.startsWith(prefix)) listener.event(event);
    this.#listeners.set(listener, { prefix, from });
    return { close: () => void this.#listeners.delete(listener) };
  }

  close(): void {
    this.#closed = true;
    this.#watch?.close();
    for (const listener of [...this.#listeners.keys()]) listener.lost();
    this.#listeners.clear();
    for (const waiter of this.#waiters) waiter.done.resolve(false);
  }

  async #load(): Promise<void> {
    let from = this.#prefix;
    let revision: number | undefined;
    const seen = new Set<string>();
    for (;;) {
      const page = await this.#store.range(this.#prefix, { from, limit: PAGE, ...(revision && { revision }) });
      // Compaction keeps minutes of history, a load takes seconds: starting over is enough.
      if (!page.ok) return this.#load();
      revision ??= page.revision;
      for (const stored of page.items) {
        seen.add(stored.key);
        this.#set(stored.key, decodeStored(stored));
      }
      const last = page.items.at(-1);
      if (last === undefined || page.items.length < PAGE) break;
      from = `${last.key}\0`;
    }
    for (const key of [...this.#objects.keys()]) if (!seen.has(key)) this.#remove(key);
    this.#history = new Ring();
    this.#historyStart = revision;
    if (this.#closed) return;
    // From the revision that was read, not the one after it, which need not exist yet: a store tells no progress on a stream with a
    // watch that starts in the future, and while nothing is written all caches of the stream would wait. #apply drops what is repeated.
    this.#advance(revision);
    this.#watch = this.#store.watch(this.#prefix, revision, {
      events: (events) => this.#apply(events),
      progress: (reached) => this.#advance(reached),
      compacted: () => this.#reload(),
    });
  }

  #reload(): void {
    this.#log("warn", "history was compacted before it was read: listing again", { prefix: this.#prefix });
    this.#watch?.close();
    const listeners = [...this.#listeners.keys()];
    this.#listeners.clear();
    for (const listener of listeners) listener.lost();
    this.#started = undefined;
    this.start().catch((error: unknown) => {
      this.#log("error", "cannot list", { prefix: this.#prefix, error: String(error) });
      this.#clock.after(1_000, () => this.#closed || this.#reload());
    });
  }

  #apply(events: readonly StoreEvent[]): void {
    for (const stored of events) if (stored.modRevision > this.#revision) this.#applyOne(stored);
    const last = events.at(-1);
    if (last !== undefined) this.#advance(last.modRevision);
  }

  #applyOne({ key, value, modRevision: revision }: StoreEvent): void {
    const previous = this.#objects.get(key);
    if (value !== undefined) {
      const object = decodeStored({ key, value, modRevision: revision });
      this.#set(key, object);
      this.#publish(new CacheEvent(key, object, previous, revision));
    } else if (previous !== undefined) {
      this.#remove(key);
      this.#publish(new CacheEvent(key, undefined, previous, revision));
    }
  }

  #set(key: string, object: KubeObject): void {
    if (!this.#objects.has(key)) this.#keys.add(key);
    this.#objects.set(key, object);
  }

  #remove(key: string): void {
    if (this.#objects.delete(key)) this.#keys.delete(key);
  }

  #publish(event: CacheEvent): void {
    const at = this.#clock.monotonic();
    this.#history.push({ event, at });
    for (;;) {
      const oldest = this.#history.peek();
      if (oldest === undefined || this.#history.size <= HISTORY.atLeast) break;
      if (this.#history.size <= HISTORY.atMost && at - oldest.at < HISTORY.keepMs) break;
      this.#historyStart = oldest.event.revision;
      this.#history.shift();
    }
    for (const [listener, { prefix, from }] of this.#listeners)
      if (event.revision > from && event.key.startsWith(prefix)) listener.event(event);
  }

  #advance(revision: number): void {
    if (revision <= this.#revision) return;
    this.#revision = revision;
    for (const waiter of this.#waiters) if (waiter.revision <= revision) waiter.done.resolve(true);
  }

  /** Events may have been on their way when the store was asked: it is asked again while anybody waits. */
  #askAgain(): void {
    this.#asking = true;
    this.#clock.after(PROGRESS_INTERVAL_MS, () => {
      this.#asking = false;
      if (this.#waiters.size === 0 || this.#closed) return;
      this.#watch?.requestProgress();
      this.#askAgain();
    });
  }
}
