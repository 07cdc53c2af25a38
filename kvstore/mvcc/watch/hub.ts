import { assert, type Clock } from "../../../base/mod.ts";
import { failpoints } from "../../failpoint/mod.ts";
import type { StoreEvent } from "../event.ts";
import type { Store } from "../store.ts";
import { EventBatch } from "./batch.ts";
import { type CatchUp, readCatchUp } from "./catch-up.ts";
import { ended, synced, unsynced, type Watcher, type WatchRequest, type WatchSink } from "./watcher.ts";
import { WatcherGroup } from "./watcher-group.ts";

/** Watchers that catch up together in one round. */
const watchersPerRound = 512;

export interface WatchStats {
  readonly synced: number;
  readonly unsynced: number;
  readonly victims: number;
  /** Made or refused, and still to be delivered. */
  readonly pendingEvents: number;
}

export interface WatchHubOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** The history could not be read: the member has to stop. */
  readonly onFailure: (error: unknown) => void;
}

/** Tells watchers what happened. Each hears of every revision from its first on, in order, once, until it is cancelled or
 * the history it still needs is compacted. What a slow client costs is one batch per watcher. */
export class WatchHub {
  #store: Store;
  readonly #clock: Clock;
  readonly #onFailure: (error: unknown) => void;
  readonly #synced = new WatcherGroup();
  readonly #unsynced = new Set<Watcher>();
  readonly #victims = new Map<WatchSink, Set<Watcher>>();
  /** Made, and not told to anybody yet. */
  #untold: StoreEvent[] = [];
  /** Synced watchers have heard of everything up to here. */
  #toldRevision: number;
  #catchingUp = false;
  #stopped = false;

  constructor({ store, clock, onFailure }: WatchHubOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#onFailure = onFailure;
    this.#toldRevision = store.revision;
    this.#listen();
  }

  /** Numbers of watchers, for metrics. */
  get stats(): WatchStats {
    let victims = 0;
    let pendingEvents = this.#untold.length;
    for (const watchers of this.#victims.values()) {
      victims += watchers.size;
      for (const { state } of watchers) if (state.kind === "victim") pendingEvents += state.refused.events.length;
    }
    return { synced: this.#synced.size, unsynced: this.#unsynced.size, victims, pendingEvents };
  }

  get revision(): number {
    return this.#store.revision;
  }

  watch(request: WatchRequest, sink: WatchSink): Watcher {
    const { revision } = this.#store;
    const isFuture = request.startRevision === 0 || request.startRevision > revision;
    const watcher: Watcher = {
      ...request,
      sink,
      state: isFuture ? synced : unsynced,
      minRevision: request.startRevision === 0 ? revision + 1 : request.startRevision,
    };
    if (isFuture) this.#synced.add(watcher);
    else this.#makeUnsynced(watcher);
    return watcher;
  }

  /** Nothing is delivered after this. */
  cancel(watcher: Watcher): void {
    this.#synced.delete(watcher);
    this.#unsynced.delete(watcher);
    this.#forgetVictim(watcher);
    watcher.state = ended;
  }

  /** The revision up to which all these watchers have been told everything, and none of them starts later; undefined if
   * one has not. Whatever is sent to their sink after this call may claim it (etcd's bug 15220 was a claim made early). */
  progress(watchers: Iterable<Watcher>): number | undefined {
    this.#tell();
    const { revision } = this.#store;
    for (const { state, startRevision } of watchers) {
      if (state.kind !== "synced" || startRevision > revision) return undefined;
    }
    return revision;
  }

  /** The sink takes messages again. */
  drained(sink: WatchSink): void {
    if (failpoints.armed) failpoints.pass("beforeMoveVictims", () => this.#moveVictims(sink));
    else this.#moveVictims(sink);
  }

  #moveVictims(sink: WatchSink): void {
    for (const watcher of this.#victims.get(sink) ?? []) {
      assert(watcher.state.kind === "victim", "only victims wait for their sink");
      if (!sink.deliver(watcher, watcher.state.refused)) return;
      this.#forgetVictim(watcher);
      this.#makeSyncedOrNot(watcher);
    }
    if (this.#unsynced.size > 0) this.#startCatchingUp();
  }

  /** The store has been replaced by that of a snapshot. What watchers have missed they read from it; what it repeats they
   * are not told again. */
  moveTo(store: Store): void {
    this.#tell();
    this.#store = store;
    this.#listen();
    for (const watcher of [...this.#synced]) {
      this.#leaveSynced(watcher);
      this.#makeSyncedOrNot(watcher);
    }
    this.#toldRevision = store.revision;
  }

  stop(): void {
    this.#stopped = true;
  }

  #listen(): void {
    const store = this.#store;
    store.onRevision((_, events) => {
      assert(store === this.#store, "a store that was replaced makes no revisions");
      // All revisions of one turn of the event loop go out together.
      if (this.#untold.length === 0) queueMicrotask(() => this.#tell());
      for (const event of events) this.#untold.push(event);
    });
  }

  #tell(): void {
    if (this.#untold.length === 0) return;
    const events = this.#untold;
    this.#untold = [];
    const { revision } = this.#store;
    const refusals = this.#deliver(this.#synced, events, revision);
    this.#toldRevision = revision;
    for (const [watcher, refused] of refusals) {
      this.#leaveSynced(watcher);
      this.#makeVictim(watcher, refused);
    }
  }

  /** Returns what was refused. */
  #deliver(group: WatcherGroup, events: readonly StoreEvent[], revision: number): Map<Watcher, EventBatch> {
    const refusals = new Map<Watcher, EventBatch>();
    for (const cell of group.sort(events)) {
      const all = new EventBatch(this.#store, revision, cell.events);
      cell.events = [];
      for (const watcher of cell.watchers) {
        const batch = all.for(watcher);
        if (batch !== undefined && !watcher.sink.deliver(watcher, batch)) refusals.set(watcher, batch);
      }
    }
    return refusals;
  }

  #leaveSynced(watcher: Watcher): void {
    this.#synced.delete(watcher);
    watcher.minRevision = Math.max(watcher.minRevision, this.#toldRevision + 1);
  }

  #makeVictim(watcher: Watcher, refused: EventBatch): void {
    watcher.state = { kind: "victim", refused };
    const victims = this.#victims.get(watcher.sink);
    if (victims === undefined) this.#victims.set(watcher.sink, new Set([watcher]));
    else victims.add(watcher);
  }

  #forgetVictim(watcher: Watcher): void {
    const victims = this.#victims.get(watcher.sink);
    victims?.delete(watcher);
    if (victims?.size === 0) this.#victims.delete(watcher.sink);
  }

  #makeSyncedOrNot(watcher: Watcher): void {
    if (watcher.minRevision <= this.#store.revision) this.#makeUnsynced(watcher);
    else {
      watcher.state = synced;
      this.#synced.add(watcher);
      watcher.sink.caughtUp(watcher);
    }
  }

  #makeUnsynced(watcher: Watcher): void {
    watcher.state = unsynced;
    this.#unsynced.add(watcher);
    this.#startCatchingUp();
  }

  #startCatchingUp(): void {
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    this.#catchUp().catch(this.#onFailure);
  }

  async #catchUp(): Promise<void> {
    try {
      // Not in the turn that asked for the watch: its creation has to be announced first.
      await this.#pause();
      while (this.#unsynced.size > 0 && !this.#stopped) {
        const progressed = await this.#catchUpRound();
        if (!progressed) return;
        await this.#pause();
      }
    } finally {
      this.#catchingUp = false;
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#clock.after(0, resolve));
  }

  /** False when all that is left waits for its client. */
  async #catchUpRound(): Promise<boolean> {
    if (failpoints.armed) await failpoints.pause("beforeSyncWatchers");
    const store = this.#store;
    const chosen = this.#choose();
    if (chosen.length === 0) return false;
    let from = store.revision + 1;
    for (const { minRevision } of chosen) from = Math.min(from, minRevision);
    const read = await this.#read(store, from);
    // While this read, the store may have been replaced, and what it read compacted or told by others.
    if (store !== this.#store) return true;
    if (read !== undefined) this.#tellChosen(chosen, read);
    return true;
  }

  async #read(store: Store, from: number): Promise<CatchUp | undefined> {
    try {
      return await readCatchUp(store.history, from, () => store.revision);
    } catch (error) {
      // The replaced store's backend is closed, which may be what happened.
      if (store !== this.#store) return undefined;
      throw error;
    }
  }

  /** Some unsynced watchers that can be helped; ends those whose history is gone. */
  #choose(): Watcher[] {
    const { compactRevision } = this.#store;
    const chosen: Watcher[] = [];
    for (const watcher of this.#unsynced) {
      if (watcher.minRevision >= compactRevision) chosen.push(watcher);
      else if (watcher.sink.compacted(watcher, compactRevision)) this.cancel(watcher);
      if (chosen.length === watchersPerRound) break;
    }
    return chosen;
  }

  #tellChosen(chosen: readonly Watcher[], { events, nextRevision }: CatchUp): void {
    const group = new WatcherGroup();
    // Some may have been cancelled meanwhile.
    for (const watcher of chosen) if (watcher.state.kind === "unsynced") group.add(watcher);
    const { revision, compactRevision } = this.#store;
    const refusals = this.#deliver(group, withoutCompacted(events, compactRevision), revision);
    for (const watcher of group) {
      if (watcher.state.kind !== "unsynced") continue;
      watcher.minRevision = Math.max(watcher.minRevision, nextRevision);
      const refused = refusals.get(watcher);
      this.#unsynced.delete(watcher);
      if (refused !== undefined) this.#makeVictim(watcher, refused);
      else this.#makeSyncedOrNot(watcher);
    }
  }
}

/** What was there before the compacted revision is not told any more, though it may still be in memory: as with etcd, which reads it. */
function withoutCompacted(events: readonly StoreEvent[], compactRevision: number): readonly StoreEvent[] {
  if (events[0] === undefined || events[0].main > compactRevision) return events;
  return events.map((event) => (event.main > compactRevision ? event : event.withoutPrevious()));
}
