import { assert } from "../../base/mod.ts";
import type { ByteString } from "./byte-string.ts";
import { type Record, recordAt } from "./record.ts";

/** Where a version of a key stands in the history. */
export interface Version {
  readonly main: number;
  readonly sub: number;
  readonly tombstone: boolean;
}

const exactLength = 16;

/** All revisions of one key, and its newest record while it lives and is in memory. A generation is what lies between two tombstones:
 *
 *     put a @ 1.0, put a @ 2.0, delete a @ 3.1, put a @ 4.0
 *     generations: {1.0, 2.0, 3.1(t)}, {4.0}
 *     older: [1, 0, 2, 0, 3, ~1]   newest: 4.0, created 4, version 1
 *
 * Generations are not kept apart: looking a revision up means finding the last one not after it and seeing whether that
 * is a tombstone. Compaction at 2 keeps {2.0, 3.1(t)}, {4.0}; at 3 it keeps {3.1(t)}, {4.0}, so that a watch from 3 on
 * still sees the deletion; at 4 only {4.0} is left.
 */
export class KeyIndex {
  readonly key: ByteString;
  /** Revision of the newest version, put or tombstone. */
  main = 0;
  sub = 0;
  /** Of the newest version; 0 when it is a tombstone. */
  created = 0;
  version = 0;
  lease = 0n;
  recordBytes = 0;
  /** Where the newest version lies: its `recordBytes` from here on. A Record for each key would be one object more that the garbage
   * collector has to visit. */
  #buffer: Uint8Array | undefined;
  #start = 0;
  /** Revisions before the newest, ascending, as pairs of main and sub, where `~sub` stands for a tombstone. An array of
   * numbers no longer than it must be, and none at all for a key written once: a store has millions of keys. */
  #older: number[] | undefined;

  constructor(key: ByteString) {
    this.key = key;
  }

  get live(): boolean {
    return this.version > 0;
  }

  /** The newest version. Undefined when it is a tombstone, or on the disk only: see RecordMemory. */
  get record(): Record | undefined {
    if (this.#buffer === undefined) return undefined;
    return recordAt(this.#buffer, this.#start, this.#start + this.recordBytes);
  }

  set record(record: Record | undefined) {
    this.#buffer = record?.buffer;
    this.#start = record?.start ?? 0;
  }

  hasRecordIn(buffer: Uint8Array): boolean {
    return this.#buffer === buffer;
  }

  put(main: number, sub: number, created: number, version: number, lease: bigint, record: Record): void {
    this.#supersede(main, sub);
    this.main = main;
    this.sub = sub;
    this.created = created;
    this.version = version;
    this.lease = lease;
    this.recordBytes = record.length;
    this.record = record;
  }

  tombstone(main: number, sub: number): void {
    this.#supersede(main, sub);
    this.main = main;
    this.sub = sub;
    this.created = 0;
    this.version = 0;
    this.lease = 0n;
    this.recordBytes = 0;
    this.record = undefined;
  }

  /** The version that a read at revision `main` sees; a tombstone or nothing when it sees none. */
  at(main: number): Version | undefined {
    if (main >= this.main) return { main: this.main, sub: this.sub, tombstone: !this.live };
    const older = this.#older;
    if (older === undefined) return undefined;
    const pair = lastAtOrBefore(older, main);
    return pair < 0 ? undefined : version(older, pair);
  }

  /** Forgets what reads at `main` and later cannot see, except a tombstone exactly there; shows each to `drop`. */
  compact(main: number, drop: (version: Version) => void): void {
    const older = this.#older;
    if (this.main <= main) {
      if (older !== undefined) for (let pair = 0; pair < older.length; pair += 2) drop(version(older, pair));
      this.#older = undefined;
      if (this.live || this.main === main) return;
      drop({ main: this.main, sub: this.sub, tombstone: true });
      this.main = 0;
      return;
    }
    if (older === undefined) return;
    let kept = lastAtOrBefore(older, main);
    if (kept < 0) return;
    const last = version(older, kept);
    if (last.tombstone && last.main !== main) kept += 2;
    for (let pair = 0; pair < kept; pair += 2) drop(version(older, pair));
    this.#older = kept === older.length ? undefined : older.slice(kept);
  }

  /** Nothing of the key is left: it leaves the index. */
  get empty(): boolean {
    return this.main === 0;
  }

  #supersede(main: number, sub: number): void {
    if (this.main === 0) return;
    // Nested transactions may put a key in one and delete it in the next: both versions then have the same main.
    assert(main > this.main || (main === this.main && sub > this.sub), "revisions of a key only grow");
    const older = this.#older;
    const signedSub = this.live ? this.sub : ~this.sub;
    // An array that is pushed to takes room for many more: most keys have few revisions between two compactions.
    if (older === undefined) this.#older = [this.main, signedSub];
    else if (older.length < exactLength) this.#older = [...older, this.main, signedSub];
    else older.push(this.main, signedSub);
  }
}

/** Index of the last pair whose main is not after `main`; below 0 when there is none. */
function lastAtOrBefore(pairs: readonly number[], main: number): number {
  let low = 0;
  let high = pairs.length / 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pairs[2 * middle] as number) <= main) low = middle + 1;
    else high = middle;
  }
  return 2 * (low - 1);
}

function version(pairs: readonly number[], pair: number): Version {
  const sub = pairs[pair + 1] as number;
  return { main: pairs[pair] as number, sub: sub < 0 ? ~sub : sub, tombstone: sub < 0 };
}
