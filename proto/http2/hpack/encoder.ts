import { DynamicTable } from "./dynamic-table.ts";
import { type Header, headerSize } from "./header.ts";
import { staticCount, staticTable } from "./static-table.ts";

/** A larger table than this is not used, even where the other side offers one. */
const usefulTableBytes = 4096;

/** A field to send. */
export interface OutgoingHeader extends Header {
  /** The value differs from call to call: it is written out each time and kept out of the table. */
  readonly varies?: boolean;
}

const staticByName = new Map<string, number>();
const staticByField = new Map<string, number>();
for (const [i, { name, value }] of staticTable.entries()) {
  if (!staticByName.has(name)) staticByName.set(name, i + 1);
  staticByField.set(keyOf(name, value), i + 1);
}

/** A list of headers that is sent often. Once its fields are in the table, its encoding is remembered. */
export class RepeatedHeaders {
  readonly headers: readonly OutgoingHeader[];
  /** Valid for one encoder, while its table stands still. */
  encoder: HpackEncoder | undefined;
  version = -1;
  bytes: Uint8Array = new Uint8Array(0);

  constructor(headers: readonly OutgoingHeader[]) {
    this.headers = headers;
  }
}

/** Encodes the header blocks of one direction of a connection, in order (RFC 7541). Without Huffman coding: what is sent
 * again is an index, and the rest is not worth the time. */
export class HpackEncoder {
  readonly #table = new DynamicTable(usefulTableBytes);
  /** For each field, the number of insertions before its own; it may have been evicted since. */
  readonly #inserted = new Map<string, number>();
  /** Smallest and last size that the other side set since the last block; both must be told (§4.2). */
  #pendingSizes: number[] = [];
  #out: Uint8Array = new Uint8Array(256);
  #length = 0;

  /** The other side's SETTINGS_HEADER_TABLE_SIZE. */
  setMaxTableBytes(bytes: number): void {
    const capacity = Math.min(bytes, usefulTableBytes);
    const smallest = Math.min(capacity, ...this.#pendingSizes);
    this.#pendingSizes = smallest < capacity ? [smallest, capacity] : [capacity];
  }

  /** The block; valid until the next call. */
  encode(headers: readonly OutgoingHeader[]): Uint8Array {
    this.#length = 0;
    this.#resizeTable();
    for (const header of headers) this.#field(header);
    return this.#out.subarray(0, this.#length);
  }

  encodeRepeated(headers: RepeatedHeaders): Uint8Array {
    if (headers.encoder === this && headers.version === this.#table.version && this.#pendingSizes.length === 0) {
      return headers.bytes;
    }
    const version = this.#table.version;
    const bytes = this.encode(headers.headers);
    if (this.#table.version === version) {
      headers.encoder = this;
      headers.version = version;
      headers.bytes = bytes.slice();
    }
    return bytes;
  }

  #resizeTable(): void {
    for (const capacity of this.#pendingSizes) {
      if (capacity === this.#table.capacity) continue;
      this.#reserve(8);
      this.#integer(0x20, 5, capacity);
      this.#table.resize(capacity);
    }
    this.#pendingSizes = [];
  }

  #field({ name, value, varies }: OutgoingHeader): void {
    this.#reserve(name.length + value.length + 24);
    const key = keyOf(name, value);
    const index = staticByField.get(key) ?? this.#dynamicIndex(key);
    if (index !== undefined) this.#integer(0x80, 7, index);
    else this.#literal({ name, value, varies }, key);
  }

  #literal({ name, value, varies }: OutgoingHeader, key: string): void {
    const nameIndex = staticByName.get(name) ?? 0;
    const indexed = varies !== true && headerSize(name, value) <= this.#table.capacity;
    if (indexed) this.#integer(0x40, 6, nameIndex);
    else this.#integer(0, 4, nameIndex);
    if (nameIndex === 0) this.#string(name);
    this.#string(value);
    if (!indexed) return;
    this.#inserted.set(key, this.#table.inserted);
    this.#table.insert({ name, value });
    if (this.#inserted.size > 512) this.#forgetEvicted();
  }

  #dynamicIndex(key: string): number | undefined {
    const before = this.#inserted.get(key);
    if (before === undefined) return undefined;
    const index = this.#table.inserted - 1 - before;
    return index < this.#table.count ? staticCount + 1 + index : undefined;
  }

  #forgetEvicted(): void {
    for (const key of this.#inserted.keys()) if (this.#dynamicIndex(key) === undefined) this.#inserted.delete(key);
  }

  #integer(pattern: number, prefixBits: number, value: number): void {
    const mask = (1 << prefixBits) - 1;
    if (value < mask) {
      this.#out[this.#length++] = pattern | value;
      return;
    }
    this.#out[this.#length++] = pattern | mask;
    let rest = value - mask;
    while (rest > 0x7f) {
      this.#out[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#out[this.#length++] = rest;
  }

  #string(text: string): void {
    this.#integer(0, 7, text.length);
    for (let i = 0; i < text.length; i++) this.#out[this.#length++] = text.charCodeAt(i);
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#out.length) return;
    const larger = new Uint8Array(2 * (this.#length + bytes));
    larger.set(this.#out.subarray(0, this.#length));
    this.#out = larger;
  }
}

function keyOf(name: string, value: string): string {
  return `${name}\0${value}`;
}
