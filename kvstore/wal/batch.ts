import { crc32c } from "@node-rs/crc32";
import type { Entry, HardState } from "../../raft/mod.ts";
import { entrySize, fieldBytes, putEntry, putHardState, putVarint, recordTypes, varintSize } from "./record.ts";

/** Longest head of a frame: 8 bytes of length, then walpb.Record's type (2), crc (6) and the tag and length of data (6). */
const headBytes = 8 + 2 + 6 + 6;

/** A batch that grew beyond this gives its memory back when it was written. */
const keptBytes = 1024 * 1024;

/**
 * Frames on their way to the disk: the records of one turn of the event loop, back to back, to be written with one call.
 *
 * A frame is a little-endian length, the record, and zeros up to a multiple of 8. The low 56 bits of the length count the
 * record without the zeros; the top byte is 0x80 | zeros if there are any. The record's crc is CRC-32C over the data of this
 * and all records before it, also those of earlier segments.
 */
export class Batch {
  #bytes = new Uint8Array(64 * 1024);
  #length = 0;
  #crc: number;

  /** `crc` is that of the last record before this batch. */
  constructor(crc: number) {
    this.#crc = crc;
  }

  get length(): number {
    return this.#length;
  }

  /** Of the last record. */
  get crc(): number {
    return this.#crc;
  }

  /** The frames so far; they stay untouched until `clear`. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(crc: number): void {
    if (this.#bytes.length > keptBytes) this.#bytes = new Uint8Array(64 * 1024);
    this.#length = 0;
    this.#crc = crc;
  }

  entry(entry: Entry): void {
    const size = entrySize(entry);
    const at = this.#begin(size);
    putEntry(this.#bytes, at, entry);
    this.#end(recordTypes.entry, at, size);
  }

  hardState(state: HardState): void {
    const at = this.#begin(3 * fieldBytes);
    this.#end(recordTypes.hardState, at, putHardState(this.#bytes, at, state) - at);
  }

  /** Any other record with data. */
  record(type: number, data: Uint8Array): void {
    const at = this.#begin(data.length);
    this.#bytes.set(data, at);
    this.#end(type, at, data.length);
  }

  /** Opens a segment: the checksum its first record goes on from. Carries no data. */
  crcRecord(): void {
    const at = this.#begin(0);
    this.#end(recordTypes.crc, at, 0);
  }

  /** Where the record's data goes, with room for the longest head before it. */
  #begin(dataBytes: number): number {
    const needed = this.#length + headBytes + dataBytes + 8;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    return this.#length + headBytes;
  }

  /** Puts the head before the data; a crc or length shorter than the longest moves the data down to meet it. */
  #end(type: number, dataAt: number, dataBytes: number): void {
    const bytes = this.#bytes;
    if (dataBytes > 0) this.#crc = crc32c(bytes.subarray(dataAt, dataAt + dataBytes), this.#crc);
    const start = this.#length;
    let at = start + 8;
    bytes[at++] = 0x08;
    bytes[at++] = type;
    bytes[at++] = 0x10;
    at = putVarint(bytes, at, this.#crc);
    if (dataBytes > 0) {
      const end = at + 1 + varintSize(dataBytes);
      bytes[at++] = 0x1a;
      at = putVarint(bytes, at, dataBytes);
      if (end !== dataAt) bytes.copyWithin(end, dataAt, dataAt + dataBytes);
      at += dataBytes;
    }
    const recordBytes = at - start - 8;
    const padding = (8 - (recordBytes % 8)) % 8;
    bytes.fill(0, at, at + padding);
    bytes[start] = recordBytes & 0xff;
    bytes[start + 1] = (recordBytes >>> 8) & 0xff;
    bytes[start + 2] = (recordBytes >>> 16) & 0xff;
    bytes[start + 3] = recordBytes >>> 24;
    bytes[start + 4] = 0;
    bytes[start + 5] = 0;
    bytes[start + 6] = 0;
    bytes[start + 7] = padding === 0 ? 0 : 0x80 | padding;
    this.#length = at + padding;
  }
}
