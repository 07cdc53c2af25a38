import { assert } from "../../base/mod.ts";
import type { ByteString } from "./byte-string.ts";
import type { KeyIndex } from "./key-index.ts";
import { maxRecordBytes, type Record, recordAt, writeRecord } from "./record.ts";

const slabBytes = 256 * 1024;
/** Larger records have a slab each. */
const largeBytes = slabBytes / 4;
/** Slabs that are cleaned when a new one is begun: each gives back at least half of itself, so that cleaning keeps up with
 * writing and never holds up a writer for more than half a millisecond. */
const cleanedPerSlab = 3;

interface Slab {
  readonly bytes: Buffer;
  used: number;
  /** Bytes of records that are still the newest of their key. */
  live: number;
  /** Whose records were written here, in order. */
  readonly owners: KeyIndex[];
  /** In the list of slabs to be cleaned. */
  sparse: boolean;
}

/**
 * The newest records of live keys, back to back in slabs of memory that the garbage collector does not walk through or move.
 * A slab is only ever appended to: a record that was handed out stays as it is for as long as anybody holds it, whatever
 * became of its key. When less than half of a slab is current, what is current moves to the newest slab and the rest goes.
 * Beyond the budget the oldest slab goes altogether: its keys' records are then read from the disk (`KeyIndex.record` is
 * undefined while the key lives).
 */
export class RecordMemory {
  readonly #budgetBytes: number;
  /** By their bytes, oldest first. */
  readonly #slabs = new Map<Uint8Array, Slab>();
  /** Is being filled. */
  #newest: Slab = newSlab(0);
  #totalBytes = 0;
  #sparse: Slab[] = [];

  constructor(budgetBytes: number) {
    this.#budgetBytes = budgetBytes;
  }

  /** Bytes taken, those of superseded records included. */
  get sizeBytes(): number {
    return this.#totalBytes;
  }

  /** Encodes a record for its key. The caller makes it the key's own. */
  write(
    owner: KeyIndex,
    key: ByteString,
    created: number,
    main: number,
    version: number,
    value: Uint8Array,
    lease: bigint,
  ): Record {
    const slab = this.#slabFor(maxRecordBytes(key, value));
    const start = slab.used;
    slab.used = writeRecord(slab.bytes, start, key, created, main, version, value, lease);
    return this.#own(slab, start, owner);
  }

  /** Keeps a record that was read from the disk. */
  add(owner: KeyIndex, bytes: Uint8Array): Record {
    return this.#copy(this.#slabFor(bytes.length), owner, bytes, 0, bytes.length);
  }

  /** The record is no longer the newest of its key. */
  release(record: Record): void {
    const slab = this.#slabs.get(record.buffer);
    if (slab === undefined) return; // evicted, or read from the disk
    slab.live -= record.length;
    assert(slab.live >= 0, "a record is released once");
    if (slab === this.#newest) return;
    if (slab.live === 0) this.#remove(slab);
    else this.#noteIfSparse(slab);
  }

  #slabFor(neededBytes: number): Slab {
    const isLarge = neededBytes > largeBytes;
    if (!isLarge && fits(this.#newest, neededBytes)) return this.#newest;
    const slab = isLarge ? this.#add(neededBytes) : this.#begin();
    for (let i = 0; i < cleanedPerSlab && this.#sparse.length > 0; i++) this.#clean(this.#sparse.pop() as Slab);
    while (this.#totalBytes > this.#budgetBytes && this.#evictOldest(slab)) {
      // One more.
    }
    if (isLarge) return slab;
    return fits(this.#newest, neededBytes) ? this.#newest : this.#begin();
  }

  #begin(): Slab {
    const last = this.#newest;
    this.#newest = this.#add(slabBytes);
    // It was not looked at while it was being filled.
    if (this.#slabs.has(last.bytes)) this.#noteIfSparse(last);
    return this.#newest;
  }

  #add(bytes: number): Slab {
    const slab = newSlab(bytes);
    this.#slabs.set(slab.bytes, slab);
    this.#totalBytes += bytes;
    return slab;
  }

  #noteIfSparse(slab: Slab): void {
    if (slab.sparse || slab.live * 2 > slab.used) return;
    slab.sparse = true;
    this.#sparse.push(slab);
  }

  #clean(slab: Slab): void {
    if (!this.#slabs.has(slab.bytes)) return;
    for (const owner of slab.owners) {
      const record = owner.hasRecordIn(slab.bytes) ? owner.record : undefined;
      if (record === undefined) continue;
      const target = fits(this.#newest, record.length) ? this.#newest : this.#begin();
      owner.record = this.#copy(target, owner, record.buffer, record.start, record.end);
    }
    this.#remove(slab);
  }

  /** False when nothing is left but what is in use. */
  #evictOldest(inUse: Slab): boolean {
    for (const slab of this.#slabs.values()) {
      if (slab === inUse || slab === this.#newest) continue;
      for (const owner of slab.owners) if (owner.hasRecordIn(slab.bytes)) owner.record = undefined;
      this.#remove(slab);
      return true;
    }
    return false;
  }

  #remove(slab: Slab): void {
    if (this.#slabs.delete(slab.bytes)) this.#totalBytes -= slab.bytes.length;
  }

  #copy(slab: Slab, owner: KeyIndex, from: Uint8Array, start: number, end: number): Record {
    const at = slab.used;
    slab.bytes.set(end - start === from.length ? from : from.subarray(start, end), at);
    slab.used = at + end - start;
    return this.#own(slab, at, owner);
  }

  #own(slab: Slab, start: number, owner: KeyIndex): Record {
    slab.live += slab.used - start;
    slab.owners.push(owner);
    return recordAt(slab.bytes, start, slab.used);
  }
}

function newSlab(bytes: number): Slab {
  return { bytes: Buffer.allocUnsafeSlow(bytes), used: 0, live: 0, owners: [], sparse: false };
}

function fits({ bytes, used }: Slab, neededBytes: number): boolean {
  return used + neededBytes <= bytes.length;
}
