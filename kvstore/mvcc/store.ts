import { assert, type Clock } from "../../base/mod.ts";
import type { MemberMetrics } from "../metrics/mod.ts";
import type { Backend, BatchChange } from "./backend.ts";
import type { ByteString } from "./byte-string.ts";
import { CompactionHashes } from "./compaction-hashes.ts";
import { type CompactionPace, type CompactionReport, Compactor } from "./compactor.ts";
import { StoreEvent } from "./event.ts";
import { type Failure, fail } from "./failure.ts";
import { type HashOfRevision, hashKv } from "./hash.ts";
import { History } from "./history.ts";
import { KeyIndex, type Version } from "./key-index.ts";
import type { KeyRange } from "./key-range.ts";
import { readRevision, scheduledKey, writeRevision } from "./meta.ts";
import { parseRecord, type Record, recordAt, tombstoneRecord } from "./record.ts";
import { RecordMemory } from "./record-memory.ts";
import { parseRevisionKey } from "./revision.ts";
import { SortedMap } from "./sorted-map.ts";

/** What the store has to know of leases, which the lessor keeps. */
export interface LeaseItems {
  has(lease: bigint): boolean;
  attach(lease: bigint, key: ByteString): void;
  detach(lease: bigint, key: ByteString): void;
}

/** Where the log has been applied up to. */
export interface Applied {
  readonly index: number;
  readonly term: number;
}

/** What a read at some revision found: records in key order, which are encoded KeyValues. */
export interface RangeResult {
  readonly records: readonly Record[];
  /** Of all keys in the range, whatever the limit. */
  readonly count: number;
}

/** A part of a range, read in one go. */
export interface RangeSlice {
  readonly records: readonly Record[];
  /** Keys in this part. */
  readonly count: number;
  /** Where the rest begins; undefined when there is none. */
  readonly next: ByteString | undefined;
}

export interface RangeOptions {
  /** Revision to read at; 0 and below is the newest. */
  readonly at?: number;
  /** Most records to return; 0 is no limit. */
  readonly limit?: number;
  readonly countOnly?: boolean;
}

/** Reads. Those without `at` see the writes of a transaction that is under way. */
export interface ReadView {
  /** Newest revision that reads see; that of a transaction under way as soon as it has written something. */
  readonly revision: number;
  /** Reads before this one have been given up; -1 when none has. */
  readonly compactRevision: number;
  range(keys: KeyRange, options?: RangeOptions): RangeResult | Failure<"Compacted" | "FutureRev">;
  /** A client's range is about to be read, in whatever way. */
  noteRange(): void;
  /** The newest version of one key, when it lives. */
  get(key: ByteString): KeyIndex | undefined;
  /** The newest record of a live key. */
  recordOf(entry: KeyIndex): Record;
  /** Shows the live keys of a range at their newest version, in order, until `visit` returns false. */
  visit(keys: KeyRange, visit: (entry: KeyIndex) => boolean): void;
}

/** Writes of one transaction: the first makes a new revision, which all share. */
export interface WriteView extends ReadView {
  /** Leases are checked before: an unknown one is a bug. */
  put(key: ByteString, value: Uint8Array, lease: bigint): void;
  /** Returns the number of deleted keys. */
  deleteRange(keys: KeyRange): number;
}

export type StoreMetrics = Pick<
  MemberMetrics,
  "ranges" | "puts" | "putBytes" | "deletes" | "txns" | "hashRevSeconds" | "compactionPauseMs"
>;

export interface StoreOptions {
  readonly backend: Backend;
  readonly clock: Clock;
  readonly leases: LeaseItems;
  /** A background job failed: the member has to stop. */
  readonly onFailure: (error: unknown) => void;
  /** How much of the history that is on disk stays in memory too. Default 8 MiB. */
  readonly recentHistoryBytes?: number;
  /** How much memory the newest records of live keys may take; beyond it, those not written for longest are read from
   * the disk. Default 1 GiB. */
  readonly recordMemoryBytes?: number;
  readonly metrics: StoreMetrics;
  readonly compactionPace?: CompactionPace;
  readonly onCompacted?: (report: CompactionReport) => void;
}

/** Keys and their history: etcd's MVCC store. In memory an index of all keys and revisions with the newest records of
 * live keys, in the backend all records. Writes happen on the apply path, one transaction at a time, without waiting for
 * anything; each returns only after the index, the history and the listener know of it. */
export class Store implements WriteView {
  readonly #backend: Backend;
  readonly #leases: LeaseItems;
  readonly #clock: Clock;
  readonly #metrics: StoreMetrics;
  /** Reads and writes so far: those of a transaction are the difference. */
  #operations = 0;
  readonly #index = new SortedMap<KeyIndex>();
  readonly #history: History;
  readonly #records: RecordMemory;
  readonly #compactor: Compactor;
  readonly #compactionHashes = new CompactionHashes();
  /** A fresh store is at 1. */
  #revision = 1;
  #compactRevision = -1;
  #applied: Applied = { index: 0, term: 0 };
  #drained: Applied = { index: 0, term: 0 };
  #committed: Applied = { index: 0, term: 0 };
  /** Events of the transaction under way. */
  #events: StoreEvent[] | undefined;
  #onRevision: ((revision: number, events: readonly StoreEvent[]) => void) | undefined;
  #liveBytes = 0;

  private constructor(options: StoreOptions) {
    const { backend, clock, leases, onFailure, recentHistoryBytes = 8 << 20, recordMemoryBytes = 1 << 30 } = options;
    this.#backend = backend;
    this.#leases = leases;
    this.#clock = clock;
    this.#metrics = options.metrics;
    this.#history = new History(backend, recentHistoryBytes);
    this.#records = new RecordMemory(recordMemoryBytes);
    this.#compactor = new Compactor({
      index: this.#index,
      history: this.#history,
      backend,
      clock,
      onFailure,
      metrics: options.metrics,
      pace: options.compactionPace,
      onFinished: options.onCompacted,
    });
    backend.addSource({
      drain: () => this.#drain(),
      written: () => {
        this.#committed = this.#drained;
      },
    });
  }

  /** Reads the index back from the backend. Leases must be there already: keys are attached to them. */
  static async open(options: StoreOptions): Promise<Store> {
    const store = new Store(options);
    await store.#restore();
    return store;
  }

  get revision(): number {
    return this.#revision + (this.#written > 0 ? 1 : 0);
  }

  get compactRevision(): number {
    return this.#compactRevision;
  }

  /** Number of live keys. */
  get size(): number {
    return this.#index.weight;
  }

  /** Bytes of the newest records of live keys: what a store without history would hold. */
  get sizeInUseBytes(): number {
    return this.#liveBytes;
  }

  get applied(): Applied {
    return this.#applied;
  }

  /** Up to here the log is no longer needed: applied, written and synced. */
  get committed(): Applied {
    return this.#committed;
  }

  /** An entry of the log has been applied, whatever it did. In the same turn as what it did: both go into one batch. */
  setApplied(index: number, term: number): void {
    assert(index > this.#applied.index, "every entry is applied once, in order");
    this.#applied = { index, term };
    this.#backend.changed();
  }

  /** Hears of every revision when it is made. */
  onRevision(listener: (revision: number, events: readonly StoreEvent[]) => void): void {
    this.#onRevision = listener;
  }

  get history(): Pick<History, "recent" | "recentFrom" | "read"> {
    return this.#history;
  }

  get(key: ByteString): KeyIndex | undefined {
    const entry = this.#index.get(key);
    return entry?.live ? entry : undefined;
  }

  recordOf(entry: KeyIndex): Record {
    assert(entry.live, "a key that is deleted has no newest record");
    const known = entry.record;
    if (known !== undefined) return known;
    const read = this.#history.get(entry.main, entry.sub);
    const record = this.#records.add(entry, read.bytes);
    entry.record = record;
    return record;
  }

  visit({ from, to }: KeyRange, visit: (entry: KeyIndex) => boolean): void {
    this.#index.visit(from, to, (entry) => !entry.live || visit(entry));
  }

  noteRange(): void {
    this.#operations++;
    this.#metrics.ranges.value++;
  }

  range(
    keys: KeyRange,
    { at = 0, limit = 0, countOnly = false }: RangeOptions = {},
  ): RangeResult | Failure<"Compacted" | "FutureRev"> {
    const newest = this.revision;
    if (at > newest) return fail("FutureRev");
    if (at > 0 && at < this.#compactRevision) return fail("Compacted");
    if (at > 0 && at < newest) return this.#rangeAt(keys, at, limit, countOnly);
    const records: Record[] = [];
    if (!countOnly) {
      this.#index.visit(keys.from, keys.to, (entry) => {
        if (entry.live) records.push(this.#peek(entry));
        return records.length !== limit || limit === 0;
      });
    }
    const complete = !countOnly && (limit === 0 || records.length < limit);
    return { records, count: complete ? records.length : this.#index.weightBetween(keys.from, keys.to) };
  }

  /** Number of keys that are live now. */
  countNow({ from, to }: KeyRange): number {
    return this.#index.weightBetween(from, to);
  }

  /** The first part of a range that is read slice by slice, always at the same revision `at`, with the loop free in between:
   * looks at no more than `keysAtMost` keys, dead or alive. */
  slice(
    keys: KeyRange,
    at: number,
    keysAtMost: number,
    countOnly: boolean,
  ): RangeSlice | Failure<"Compacted" | "FutureRev"> {
    if (at > this.#revision) return fail("FutureRev");
    if (at < this.#compactRevision) return fail("Compacted");
    const records: Record[] = [];
    let count = 0;
    let seen = 0;
    let next: ByteString | undefined;
    this.#index.visit(keys.from, keys.to, (entry, key) => {
      if (seen++ === keysAtMost) {
        next = key;
        return false;
      }
      const version = entry.at(at);
      if (version === undefined || version.tombstone) return true;
      count++;
      if (!countOnly) records.push(this.#version(entry, version));
      return true;
    });
    return { records, count, next };
  }

  /** The record of `key` that a read at `main` sees. Undefined too when that revision is compacted. */
  recordAt(key: ByteString, main: number): Record | undefined {
    if (main < this.#compactRevision) return undefined;
    const entry = this.#index.get(key);
    const version = entry?.at(main);
    if (entry === undefined || version === undefined || version.tombstone) return undefined;
    return version.main === entry.main ? this.recordOf(entry) : this.#history.get(version.main, version.sub);
  }

  /** Runs a transaction. It cannot fail halfway: what could fail is checked before the first write. */
  write<T>(transaction: (view: WriteView) => T): T {
    assert(this.#events === undefined, "transactions do not nest");
    const events: StoreEvent[] = [];
    this.#events = events;
    const before = this.#operations;
    const answer = transaction(this);
    this.#events = undefined;
    if (this.#operations - before > 1) this.#metrics.txns.value++;
    if (events.length > 0) {
      this.#revision++;
      this.#onRevision?.(this.#revision, events);
    }
    return answer;
  }

  put(key: ByteString, value: Uint8Array, lease: bigint): void {
    const main = this.#revision + 1;
    this.#operations++;
    this.#metrics.puts.value++;
    this.#metrics.putBytes.value += key.length + value.length;
    const entry = this.#index.getOrInsert(key, 1, newKeyIndex);
    if (!entry.live && !entry.empty) this.#index.setWeight(key, 1);
    const previous = this.#supersede(entry);
    const previousLease = entry.lease;
    const created = previous === undefined ? main : entry.created;
    const version = entry.version + 1;
    const record = this.#records.write(entry, key, created, main, version, value, lease);
    const sub = this.#written;
    const told = previous !== undefined && entry.main === main ? "unknown" : previous;
    entry.put(main, sub, created, version, lease, record);
    this.#liveBytes += record.length;
    this.#record(new StoreEvent(main, sub, false, entry.key, record, told));
    if (previousLease === lease) return;
    if (previousLease !== 0n) this.#leases.detach(previousLease, key);
    if (lease !== 0n) this.#leases.attach(lease, key);
  }

  deleteRange(keys: KeyRange): number {
    this.#operations++;
    this.#metrics.deletes.value++;
    const found: KeyIndex[] = [];
    this.visit(keys, (entry) => found.push(entry) > 0);
    for (const entry of found) this.#delete(entry);
    return found.length;
  }

  /** Gives up reads before `revision`. What that frees is removed in the background; `physical` resolves when it is gone
   * from the disk. */
  compact(revision: number): { readonly physical: Promise<void> } | Failure<"Compacted" | "FutureRev"> {
    if (revision <= this.#compactRevision) return fail("Compacted");
    if (revision > this.#revision) return fail("FutureRev");
    this.#compactRevision = revision;
    writeRevision(this.#backend, scheduledKey, revision);
    return { physical: this.#compactor.schedule(revision) };
  }

  /** HashKV: equal on all members at equal `revision`; 0 is the newest. Does not block the event loop. */
  hashKv(revision: number): Promise<HashOfRevision | Failure<"Compacted" | "FutureRev">> {
    const known = this.#compactionHashes.find(revision);
    if (known !== undefined) return Promise.resolve({ ...known, currentRevision: this.#revision });
    if (revision > 0 && revision < this.#compactRevision) return Promise.resolve(fail("Compacted"));
    if (revision > this.#revision) return Promise.resolve(fail("FutureRev"));
    const at = revision === 0 ? this.#revision : revision;
    const startMs = this.#clock.monotonic();
    return this.#compactor.holding(async () => {
      const hash = await hashKv(at, this.#compactRevision, this.#revision, this.#index, this.#backend);
      this.#compactionHashes.add(hash);
      this.#metrics.hashRevSeconds.observe((this.#clock.monotonic() - startMs) / 1000);
      return hash;
    });
  }

  /** Reads everything back. Takes 4 to 6 s of CPU per million records. */
  async #restore(): Promise<void> {
    let revision = 1;
    for await (const entries of this.#backend.scanAll("key")) {
      for (const { key, value } of entries) {
        const { main, sub, tombstone } = parseRevisionKey(key);
        this.#restoreVersion(main, sub, tombstone, value);
        revision = main;
      }
    }
    const scheduled = readRevision(this.#backend, scheduledKey);
    this.#compactRevision = scheduled ?? -1;
    this.#revision = Math.max(revision, this.#compactRevision);
    this.#history.startAt(this.#revision + 1);
    this.#applied = {
      index: decodeUint64(this.#backend.get("meta", indexKey)),
      term: decodeUint64(this.#backend.get("meta", termKey)),
    };
    this.#drained = this.#committed = this.#applied;
    if (scheduled !== undefined) this.#compactor.resume(scheduled);
  }

  #restoreVersion(main: number, sub: number, tombstone: boolean, bytes: Uint8Array): void {
    const { key, createRevision, version, lease } = parseRecord(recordAt(bytes, 0, bytes.length));
    const weight = tombstone ? 0 : 1;
    const entry = this.#index.getOrInsert(key, weight, newKeyIndex);
    if (entry.live === tombstone && !entry.empty) this.#index.setWeight(key, weight);
    this.#supersede(entry);
    if (entry.lease !== lease) {
      if (entry.lease !== 0n) this.#leases.detach(entry.lease, entry.key);
      // One that is gone by now took its keys with it, as a later version will tell.
      if (this.#leases.has(lease)) this.#leases.attach(lease, entry.key);
    }
    if (tombstone) {
      entry.tombstone(main, sub);
      return;
    }
    entry.put(main, sub, createRevision, version, lease, this.#records.add(entry, bytes));
    this.#liveBytes += bytes.length;
  }

  /** The entry's newest record, if it has one, is about to be its last but one. */
  #supersede(entry: KeyIndex): Record | "unknown" | undefined {
    if (!entry.live) return undefined;
    this.#liveBytes -= entry.recordBytes;
    const { record } = entry;
    if (record === undefined) return "unknown";
    this.#records.release(record);
    entry.record = undefined;
    return record;
  }

  #version(entry: KeyIndex, { main, sub }: Version): Record {
    return main === entry.main ? this.#peek(entry) : this.#history.get(main, sub);
  }

  /** As `recordOf`, for readers of many keys: what they read once does not push out what others read often. */
  #peek(entry: KeyIndex): Record {
    return entry.record ?? this.#history.get(entry.main, entry.sub);
  }

  #drain(): readonly BatchChange[] {
    const { index, term } = this.#applied;
    this.#drained = this.#applied;
    if (index === 0) return [];
    return [
      { bucket: "meta", key: indexKey, value: encodeUint64(index) },
      { bucket: "meta", key: termKey, value: encodeUint64(term) },
    ];
  }

  #rangeAt(keys: KeyRange, at: number, limit: number, countOnly: boolean): RangeResult {
    const records: Record[] = [];
    let count = 0;
    this.#index.visit(keys.from, keys.to, (entry) => {
      const version = entry.at(at);
      if (version === undefined || version.tombstone) return true;
      count++;
      if (countOnly || (limit > 0 && count > limit)) return true;
      records.push(this.#version(entry, version));
      return true;
    });
    return { records, count };
  }

  /** How many versions the transaction under way has written. */
  get #written(): number {
    return this.#events?.length ?? 0;
  }

  #delete(entry: KeyIndex): void {
    const { key, lease } = entry;
    const main = this.#revision + 1;
    const sub = this.#written;
    const previous = this.#supersede(entry);
    // Of a key that this transaction has written before, watchers are told what it was before the transaction.
    const told = entry.main === main ? "unknown" : previous;
    entry.tombstone(main, sub);
    this.#index.setWeight(key, 0);
    this.#record(new StoreEvent(main, sub, true, key, tombstoneRecord(key), told));
    if (lease !== 0n) this.#leases.detach(lease, key);
  }

  #record(event: StoreEvent): void {
    assert(this.#events !== undefined, "writes happen inside a transaction");
    this.#events.push(event);
    this.#history.append(event);
  }
}

function newKeyIndex(key: ByteString): KeyIndex {
  return new KeyIndex(key);
}

const indexKey = "consistent_index";
const termKey = "term";

function encodeUint64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

function decodeUint64(bytes: Uint8Array | undefined): number {
  if (bytes === undefined) return 0;
  return Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0));
}
