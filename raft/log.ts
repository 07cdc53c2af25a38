import { assert } from "../base/mod.ts";
import type { RaftConfig } from "./config.ts";
import type { Storage } from "./storage.ts";
import { type Entry, entrySizeBytes, type Index, type Snapshot, type Term } from "./types.ts";
import { Unstable } from "./unstable.ts";

const noEntries: readonly Entry[] = [];

export type RaftLogOptions = Pick<RaftConfig, "storage" | "applied" | "maxApplyingBytes" | "applyUnstable">;

/**
 * The log as the node sees it: what storage holds, then what is not durable yet. Its cursors, in order:
 * applied <= applying <= committed <= lastIndex, and applying <= durableIndex unless the host can do with less.
 */
export class RaftLog {
  readonly #storage: Storage;
  readonly #unstable: Unstable;
  /** Highest index known durable on a quorum. Only grows. */
  #committed: Index;
  /** Highest index handed out for applying. */
  #applying: Index;
  /** Highest index the host reports as applied. */
  #applied: Index;
  /** A snapshot came from a leader, and the host has not put it in the place of its state machine yet. */
  #snapshotUnapplied = false;
  readonly #maxApplyingBytes: number;
  readonly #applyUnstable: boolean;
  /** Batches, and snapshots, handed out for applying and not reported as applied, oldest first. */
  readonly #batches: { readonly lastIndex: Index; readonly sizeBytes: number; readonly isSnapshot: boolean }[] = [];
  #applyingBytes = 0;

  constructor(options: RaftLogOptions, committed: Index) {
    const { storage, applied } = options;
    this.#storage = storage;
    this.#maxApplyingBytes = options.maxApplyingBytes;
    this.#applyUnstable = options.applyUnstable;
    const lastIndex = storage.lastIndex();
    const start = storage.firstIndex() - 1;
    assert(committed >= start, "the stored commit index is not below the stored snapshot");
    assert(committed <= lastIndex, "nothing of what was known committed is missing from the stored log");
    this.#unstable = new Unstable(lastIndex + 1);
    this.#applied = Math.max(start, applied);
    assert(this.#applied <= lastIndex, "nothing of what was applied is missing from the stored log");
    this.#applying = this.#applied;
    // What was applied was committed, even if the note of it was lost.
    this.#committed = Math.max(committed, this.#applied);
  }

  get committed(): Index {
    return this.#committed;
  }

  get applied(): Index {
    return this.#applied;
  }

  get applying(): Index {
    return this.#applying;
  }

  get lastIndex(): Index {
    return this.#unstable.lastIndex;
  }

  get firstIndex(): Index {
    const snapshot = this.#unstable.snapshot;
    return snapshot === undefined ? this.#storage.firstIndex() : snapshot.metadata.index + 1;
  }

  get lastTerm(): Term {
    const term = this.term(this.lastIndex);
    assert(term !== undefined, "the term of the last entry is known");
    return term;
  }

  /** Highest index of which this log is known to be on this node's disk, up to and including it. */
  get durableIndex(): Index {
    return this.#unstable.snapshot === undefined ? this.#unstable.offset - 1 : 0;
  }

  /** A snapshot is to replace the log and is not durable yet. */
  get hasPendingSnapshot(): boolean {
    return this.#unstable.snapshot !== undefined;
  }

  /** The host has not put a snapshot in the place of its state machine yet. */
  get hasUnappliedSnapshot(): boolean {
    return this.#snapshotUnapplied;
  }

  /** Undefined for what was compacted away or is not there yet. */
  term(index: Index): Term | undefined {
    const term = this.#unstable.term(index);
    if (term !== undefined || index >= this.#unstable.offset) return term;
    return this.#unstable.snapshot === undefined ? this.#storage.term(index) : undefined;
  }

  matchTerm(index: Index, term: Term): boolean {
    return this.term(index) === term;
  }

  /** The later last term is more up to date; of equal terms, the longer log (§5.4.1). */
  isUpToDate(lastIndex: Index, lastTerm: Term): boolean {
    const ownTerm = this.lastTerm;
    return lastTerm > ownTerm || (lastTerm === ownTerm && lastIndex >= this.lastIndex);
  }

  /** Entries from `low` on, as many as fit `maxBytes` but at least one if there is one; undefined if compacted away. */
  entriesFrom(low: Index, maxBytes: number, high: Index = this.lastIndex + 1): readonly Entry[] | undefined {
    if (low >= high) return noEntries;
    if (low < this.firstIndex) return undefined;
    const offset = this.#unstable.offset;
    if (low >= offset) return this.#unstableFrom(low, high, maxBytes);
    const stableHigh = Math.min(high, offset);
    const stable = this.#storage.entries(low, stableHigh, maxBytes);
    if (stable.length < stableHigh - low || stableHigh === high) return stable;
    let room = maxBytes;
    for (const entry of stable) room -= entrySizeBytes(entry);
    const first = this.#unstable.at(offset);
    if (first === undefined || entrySizeBytes(first) > room) return stable;
    return [...stable, ...this.#unstableFrom(offset, high, room)];
  }

  #unstableFrom(low: Index, high: Index, maxBytes: number): readonly Entry[] {
    let sizeBytes = 0;
    let end = low;
    for (; end < high; end++) {
      sizeBytes += entrySizeBytes(this.#unstable.at(end) as Entry);
      if (sizeBytes > maxBytes && end > low) break;
    }
    return this.#unstable.slice(low, end - low);
  }

  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    assert(first.index > this.#committed, "what is committed is never overwritten");
    const previousTerm = this.term(first.index - 1);
    assert(previousTerm !== undefined && previousTerm <= first.term, "terms never go back along a log");
    this.#unstable.truncateAndAppend(entries);
  }

  /**
   * A follower's append (§5.3). The index of the last new entry, or undefined if the log does not hold the entry that
   * they follow. An old message, delivered late, cuts nothing off: only a conflict does.
   */
  maybeAppend(previous: Index, previousTerm: Term, entries: readonly Entry[]): Index | undefined {
    if (!this.matchTerm(previous, previousTerm)) return undefined;
    const fresh = entries.findIndex((entry) => !this.matchTerm(entry.index, entry.term));
    if (fresh >= 0) this.append(fresh === 0 ? entries : entries.slice(fresh));
    return previous + entries.length;
  }

  /**
   * The highest index, from `index` down, whose entry has `term` or an earlier one: where another log with an entry of
   * `term` at `index` may still agree with this one. Its term is 0 if it is not known here. Both sides skip whole terms
   * with it, so a probe needs a round trip per diverging term, not per entry.
   */
  findConflictByTerm(index: Index, term: Term): { index: Index; term: Term } {
    for (let at = index; at > 0; at--) {
      const own = this.term(at);
      if (own === undefined) return { index: at, term: 0 };
      if (own <= term) return { index: at, term: own };
    }
    return { index: 0, term: 0 };
  }

  commitTo(index: Index): void {
    if (index <= this.#committed) return;
    assert(index <= this.lastIndex, "what is committed is in the log: was the log damaged or lost?");
    this.#committed = index;
  }

  restore(snapshot: Snapshot): void {
    assert(snapshot.metadata.index >= this.#committed, "a snapshot takes back nothing that is committed");
    this.#committed = snapshot.metadata.index;
    this.#snapshotUnapplied = true;
    this.#unstable.restore(snapshot);
  }

  /** A snapshot that a follower could be sent, at `atLeast` or later; undefined while there is none. */
  snapshot(atLeast: Index): Snapshot | undefined {
    return this.#storage.snapshot(atLeast);
  }

  get hasUnstable(): boolean {
    return this.#unstable.hasNext;
  }

  handOutUnstable(number: number): { entries: readonly Entry[]; snapshot: Snapshot | undefined } {
    const next = this.#unstable.handOut(number);
    if (next.snapshot !== undefined) {
      this.#applying = next.snapshot.metadata.index;
      this.#batches.push({ lastIndex: this.#applying, sizeBytes: 0, isSnapshot: true });
    }
    return next;
  }

  persisted(number: number): void {
    this.#unstable.persisted(number);
  }

  get hasCommitted(): boolean {
    return this.#applyHigh() > this.#applying && this.#hasApplyRoom();
  }

  /** Hands out what may be applied: committed, durable here if that is asked for, not handed out before, within the budget. */
  handOutCommitted(): readonly Entry[] {
    if (!this.hasCommitted) return noEntries;
    const room = this.#maxApplyingBytes - this.#applyingBytes;
    const entries = this.entriesFrom(this.#applying + 1, room, this.#applyHigh() + 1);
    assert(entries !== undefined && entries.length > 0, "what is not applied is not compacted");
    let sizeBytes = 0;
    for (const entry of entries) sizeBytes += entrySizeBytes(entry);
    this.#applying += entries.length;
    assert(this.#applying <= this.#committed, "only what is committed is applied");
    this.#batches.push({ lastIndex: this.#applying, sizeBytes, isSnapshot: false });
    this.#applyingBytes += sizeBytes;
    return entries;
  }

  /** An applied state on the own disk must not run ahead of the log there, or a crash would leave it with entries the log has lost. */
  #applyHigh(): Index {
    if (this.hasUnappliedSnapshot) return 0;
    return this.#applyUnstable ? this.#committed : Math.min(this.#committed, this.durableIndex);
  }

  #hasApplyRoom(): boolean {
    return this.#batches.length === 0 || this.#applyingBytes < this.#maxApplyingBytes;
  }

  appliedTo(index: Index): void {
    if (index < this.#applied) return;
    assert(index <= this.#applying, "only what was handed out can have been applied");
    this.#applied = index;
    let done = 0;
    let before: Index = -1;
    for (const { lastIndex, sizeBytes, isSnapshot } of this.#batches) {
      if (lastIndex > index) break;
      if (isSnapshot) {
        // At the index of the entries before it, as one that was asked for may be, it is reported by itself.
        if (before === lastIndex) break;
        this.#snapshotUnapplied = false;
      }
      this.#applyingBytes -= sizeBytes;
      before = lastIndex;
      done++;
    }
    if (done > 0) this.#batches.splice(0, done);
  }

  checkInvariants(): void {
    const { lastIndex } = this;
    assert(this.#applied <= this.#applying, "only what was handed out can have been applied");
    assert(this.#applying <= this.#committed, "only what is committed is applied");
    assert(this.#committed <= lastIndex, "what is committed is in the log");
    const mayApply = this.#snapshotUnapplied || this.#applyUnstable || this.#applying <= this.durableIndex;
    assert(mayApply, "only what is durable here is applied");
  }
}
