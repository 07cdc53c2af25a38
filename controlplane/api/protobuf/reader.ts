import { fromUtf8 } from "../../../base/mod.ts";

export const varint = 0;
export const fixed64 = 1;
export const lengthDelimited = 2;
const fixed32 = 5;

/** Bytes that are not protobuf, or not the protobuf that the schema describes. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}

/** Reads protobuf's wire format from front to back. The bytes it gives out are views of its input. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** Number and wire type of the next field. */
  tag(): { readonly number: number; readonly wireType: number } {
    const tag = Number(this.varint());
    if (tag >>> 3 === 0) throw new ProtobufError("proto: illegal tag 0");
    return { number: tag >>> 3, wireType: tag & 7 };
  }

  /** As 64 bits without a sign. */
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ProtobufError("proto: integer overflow");
  }

  /** A signed integer that JSON can carry. */
  integer(): number {
    const value = BigInt.asIntN(64, this.varint());
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new ProtobufError(`proto: ${value} is beyond what JSON can carry`);
    return number;
  }

  double(): number {
    const bytes = this.#take(8);
    return new DataView(bytes.buffer, bytes.byteOffset, 8).getFloat64(0, true);
  }

  bytes(): Uint8Array {
    return this.#take(Number(this.varint()));
  }

  string(): string {
    return fromUtf8(this.bytes());
  }

  skip(wireType: number): void {
    if (wireType === varint) this.varint();
    else if (wireType === fixed64) this.#take(8);
    else if (wireType === lengthDelimited) this.bytes();
    else if (wireType === fixed32) this.#take(4);
    else throw new ProtobufError(`proto: illegal wireType ${wireType}`);
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new ProtobufError("unexpected EOF");
    return byte;
  }

  #take(length: number): Uint8Array {
    const end = this.#at + length;
    if (!(end <= this.#bytes.length)) throw new ProtobufError("unexpected EOF");
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
