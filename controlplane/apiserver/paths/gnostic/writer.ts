import { assert } from "../../../../base/mod.ts";

const utf8 = new TextEncoder();

/**
 * Writes protobuf from front to back into one buffer that grows. The length of an embedded message is known only after its
 * bytes: they move up to make room for it. Messages near the root move once, by a few bytes, and those further down are small.
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
    this.message(field, () => {
      // UTF-8 needs at most three bytes for a UTF-16 unit.
      this.#reserve(text.length * 3);
      this.#length += utf8.encodeInto(text, this.#buffer.subarray(this.#length)).written;
    });
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
    const start = this.#length;
    write();
    const end = this.#length;
    this.#varint(end - start);
    const prefix = this.#buffer.slice(end, this.#length);
    this.#buffer.copyWithin(start + prefix.length, start, end);
    this.#buffer.set(prefix, start);
  }

  #varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#buffer[this.#length++] = (rest % 128) | 128;
    this.#buffer[this.#length++] = rest;
  }

  #reserve(bytes: number): void {
    const wanted = this.#length + bytes;
    if (wanted <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(wanted, 2 * this.#buffer.length));
    larger.set(this.bytes);
    this.#buffer = larger;
  }
}
