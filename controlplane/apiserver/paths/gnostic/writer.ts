import { assert } from "../../../../base/mod.ts";

const utf8 = new TextEncoder();

/**
 * Writes protobuf from front to back into one buffer that grows. The length of what is embedded is known only after its bytes; one
 * byte is left for it, and where that is too little (128 bytes and more) they move up.
 */
export class ProtobufWriter {
  #buffer: Uint8Array;
  #length = 0;

  constructor(expectedBytes = 1024) {
    this.#buffer = new Uint8Array(expectedBytes);
  }

  /** What was written; valid until more is. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  string(field: number, text: string): void {
    this.#varint(field * 8 + 2);
    const start = this.#openLength();
    // UTF-8 needs at most three bytes for a UTF-16 unit.
    this.#reserve(text.length * 3);
    this.#length += utf8.encodeInto(text, this.#buffer.subarray(start)).written;
    this.#closeLength(start);
  }

  bool(field: number, value: boolean): void {
    this.#varint(field * 8);
    this.#varint(value ? 1 : 0);
  }

  int64(field: number, value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, "lengths and counts are whole and not negative");
    this.#varint(field * 8);
    this.#varint(value);
  }

  double(field: number, value: number): void {
    this.#varint(field * 8 + 1);
    this.#reserve(8);
    new DataView(this.#buffer.buffer).setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** `write` writes the embedded message. */
  message(field: number, write: () => void): void {
    this.#varint(field * 8 + 2);
    const start = this.#openLength();
    write();
    this.#closeLength(start);
  }

  /** Leaves one byte for a length; returns where what it measures starts. */
  #openLength(): number {
    this.#reserve(1);
    return ++this.#length;
  }

  #closeLength(start: number): void {
    const end = this.#length;
    const size = end - start;
    const extra = varintSize(size) - 1;
    if (extra > 0) {
      this.#reserve(extra);
      this.#buffer.copyWithin(start + extra, start, end);
    }
    this.#putVarint(start - 1, size);
    this.#length = end + extra;
  }

  #varint(value: number): void {
    this.#reserve(10);
    this.#length = this.#putVarint(this.#length, value);
  }

  /** Returns where it ends. */
  #putVarint(at: number, value: number): number {
    let end = at;
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#buffer[end++] = (rest % 128) | 128;
    this.#buffer[end++] = rest;
    return end;
  }

  #reserve(bytes: number): void {
    const wanted = this.#length + bytes;
    if (wanted <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(wanted, 2 * this.#buffer.length));
    larger.set(this.bytes);
    this.#buffer = larger;
  }
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) size++;
  return size;
}
