import { assert } from "../base/mod.ts";
import type { Storage } from "./storage.ts";
import {
  type ConfState,
  type Entry,
  emptyConfState,
  entrySizeBytes,
  type HardState,
  type Index,
  noBytes,
  nobody,
  type Snapshot,
  type Term,
} from "./types.ts";

/** A log in memory. A host puts into it what its disk already has, and reads it back from disk when it starts. */
export class MemoryStorage implements Storage {
  #hardState: HardState = { term: 0, vote: nobody, commit: 0 };
  /** Where the log starts: everything up to `metadata.index` is in the snapshot or was compacted away. */
  #start: { readonly index: Index; readonly term: Term } = { index: 0, term: 0 };
  #snapshot: Snapshot = { data: noBytes, metadata: { confState: emptyConfState(), index: 0, term: 0 } };
  #entries: Entry[] = [];
  #wantedSnapshot: Index = 0;

  /** With the membership as of the snapshot: the host replays the changes after it, by applying them. */
  initialState(): { hardState: HardState; confState: ConfState } {
    return { hardState: this.#hardState, confState: this.#snapshot.metadata.confState };
  }

  firstIndex(): Index {
    return this.#start.index + 1;
  }

  lastIndex(): Index {
    return this.#start.index + this.#entries.length;
  }

  term(index: Index): Term | undefined {
    if (index === this.#start.index) return this.#start.term;
    return this.#entries[index - this.firstIndex()]?.term;
  }

  entries(low: Index, high: Index, maxBytes: number): readonly Entry[] {
    assert(low >= this.firstIndex(), "what was compacted away is not asked for");
    assert(high <= this.lastIndex() + 1, "only what is stored is asked for");
    const from = low - this.firstIndex();
    let sizeBytes = 0;
    let to = from;
    for (; to < high - this.firstIndex(); to++) {
      sizeBytes += entrySizeBytes(this.#entries[to] as Entry);
      if (sizeBytes > maxBytes && to > from) break;
    }
    return this.#entries.slice(from, to);
  }

  snapshot(atLeast: Index): Snapshot | undefined {
    if (this.#snapshot.metadata.index >= atLeast) return this.#snapshot;
    this.#wantedSnapshot = atLeast;
    return undefined;
  }

  /** A follower asked for a snapshot at this index or later, and there is none: `createSnapshot` once that is applied. */
  get wantedSnapshot(): Index | undefined {
    return this.#wantedSnapshot > this.#snapshot.metadata.index ? this.#wantedSnapshot : undefined;
  }

  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  /** Entries replace what is stored from their first index on. What lies before the log's start is skipped. */
  append(entries: readonly Entry[]): void {
    const skipped = Math.max(0, this.firstIndex() - (entries[0]?.index ?? 0));
    if (entries.length <= skipped) return;
    const at = (entries[skipped] as Entry).index - this.firstIndex();
    assert(at <= this.#entries.length, "a log has no gaps");
    this.#entries.length = at;
    for (let i = skipped; i < entries.length; i++) this.#entries.push(entries[i] as Entry);
  }

  /** A snapshot that came from the leader: the log now starts after it. */
  applySnapshot(snapshot: Snapshot): void {
    // The same index again: the follower had asked for it, because its state machine is damaged.
    assert(snapshot.metadata.index >= this.#snapshot.metadata.index, "snapshots never get older");
    this.#snapshot = snapshot;
    this.#start = snapshot.metadata;
    this.#entries = [];
  }

  /** Keeps the state machine at `index` to be sent to followers that need it. The log stays as it is, and may still lack that entry: then its
   * `term` is to be given. */
  createSnapshot(index: Index, confState: ConfState, data: Uint8Array, term = this.term(index)): Snapshot {
    assert(index > this.#snapshot.metadata.index, "snapshots only get newer");
    assert(term !== undefined, "a snapshot is made of what is in the log");
    this.#snapshot = { data, metadata: { confState, index, term } };
    return this.#snapshot;
  }

  /** Forgets the entries up to `index`, which are in the snapshot. */
  compact(index: Index): void {
    assert(index > this.#start.index, "what was compacted away is gone");
    assert(index <= this.#snapshot.metadata.index, "what is compacted away is in the snapshot");
    const term = this.term(index);
    assert(term !== undefined, "only what is stored is compacted");
    this.#entries.splice(0, index - this.#start.index);
    this.#start = { index, term };
  }
}
