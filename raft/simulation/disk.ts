import type { Random } from "../../base/mod.ts";
import { MemoryStorage } from "../memory-storage.ts";
import type { Ready } from "../ready.ts";
import type { ConfState, Entry, HardState, Index, Snapshot, Term } from "../types.ts";

/**
 * A member's disk: what survives a crash for certain, and behind it what was written and not yet synced. Of that a crash
 * leaves a prefix, which may end in the middle of one Ready.
 */
export class SimulatedDisk {
  #hardState: HardState;
  #snapshot: Snapshot;
  /** Entries after `#start`. */
  #entries: Entry[] = [];
  #start: { readonly index: Index; readonly term: Term };
  readonly #unsynced: Ready[] = [];

  constructor(snapshot: Snapshot) {
    const { index, term } = snapshot.metadata;
    this.#hardState = { term, vote: 0n, commit: index };
    this.#snapshot = snapshot;
    this.#start = { index, term };
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  get lastIndex(): Index {
    return this.#start.index + this.#entries.length;
  }

  get snapshotIndex(): Index {
    return this.#snapshot.metadata.index;
  }

  /** Infinity for what is in the snapshot: nobody asks which term that had. */
  term(index: Index): Term | undefined {
    return index <= this.#start.index ? Number.POSITIVE_INFINITY : this.#entries[index - this.#start.index - 1]?.term;
  }

  entriesFrom(index: Index): readonly Entry[] {
    return this.#entries.slice(Math.max(0, index - this.#start.index - 1));
  }

  write(ready: Ready): void {
    if (ready.snapshot !== undefined || ready.entries.length > 0 || ready.hardState !== undefined) {
      this.#unsynced.push(ready);
    }
  }

  /** What was written up to `number` is on disk now. */
  sync(number: number): void {
    while (this.#unsynced.length > 0 && (this.#unsynced[0] as Ready).number <= number) {
      this.#put(this.#unsynced.shift() as Ready);
    }
  }

  #put({ snapshot, entries, hardState }: Pick<Ready, "snapshot" | "entries" | "hardState">): void {
    if (snapshot !== undefined) {
      this.#snapshot = snapshot;
      this.#start = snapshot.metadata;
      this.#entries = [];
    }
    const first = entries[0];
    if (first !== undefined) {
      this.#entries.length = first.index - this.#start.index - 1;
      this.#entries.push(...entries);
    }
    if (hardState === undefined) return;
    this.#hardState = { ...hardState, commit: Math.max(hardState.commit, this.snapshotIndex) };
  }

  /** The member's own snapshot, and the log cut off at `compactTo`. The commit index is stored with it. */
  compact(snapshot: Snapshot, compactTo: Index): void {
    const { index } = snapshot.metadata;
    this.#snapshot = snapshot;
    this.#hardState = { ...this.#hardState, commit: Math.max(this.#hardState.commit, index) };
    if (compactTo <= this.#start.index) return;
    const term = this.term(compactTo) as Term;
    this.#entries.splice(0, compactTo - this.#start.index);
    this.#start = { index: compactTo, term };
  }

  crash(random: Random): void {
    const survivors = random.below(this.#unsynced.length + 1);
    for (const ready of this.#unsynced.slice(0, survivors)) this.#put(ready);
    const torn = this.#unsynced[survivors];
    // A snapshot counts once the hard state behind it is there; entries count one by one.
    if (torn !== undefined && torn.snapshot === undefined) {
      const entries = torn.entries.slice(0, random.below(torn.entries.length + 1));
      this.#put({ snapshot: undefined, entries, hardState: undefined });
    }
    this.#unsynced.length = 0;
  }

  /** The log as a restarted member reads it. */
  open(): MemoryStorage {
    const storage = new MemoryStorage();
    if (this.#start.index > 0) storage.applySnapshot(this.#snapshotAt(this.#start));
    storage.append(this.#entries);
    const { index, confState } = this.#snapshot.metadata;
    if (index > this.#start.index) storage.createSnapshot(index, confState, this.#snapshot.data);
    storage.setHardState(this.#hardState);
    return storage;
  }

  #snapshotAt({ index, term }: { readonly index: Index; readonly term: Term }): Snapshot {
    return { ...this.#snapshot, metadata: { ...this.#snapshot.metadata, index, term } };
  }

  get confState(): ConfState {
    return this.#snapshot.metadata.confState;
  }
}
