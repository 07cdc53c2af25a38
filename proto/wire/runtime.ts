// The names that compiled codecs may use.

import { Encoded } from "./encoded.ts";
import { WireError } from "./error.ts";
import type { MessageSchema } from "./message.ts";
import { sizes } from "./sizes.ts";
import { utf8Size, writeUtf8 } from "./text.ts";
import { cursor, readLength, readVarint, truncated, varintSize, writeVarint } from "./varint.ts";

export { Encoded } from "./encoded.ts";
export { readUtf8, utf8Size } from "./text.ts";
export {
  bigVarintSize,
  checkedInt64Size,
  checkedUint64Size,
  cursor,
  readBigInt64,
  readBigUint64,
  readClampedInt64,
  readInt64,
  readLength,
  readUint32,
  readUint64,
  truncated,
  varintSize,
  writeBigVarint,
  writeVarint,
} from "./varint.ts";

/** Deeper nesting than any message needs, and far from the end of the stack. */
export const maxDepth = 512;
export const noBytes: Uint8Array = new Uint8Array(0);
export const noValues: readonly never[] = Object.freeze([]) as readonly never[];
export const nothing: object = Object.freeze({});
export const smallBigInts: readonly bigint[] = Array.from({ length: 128 }, (_, i) => BigInt(i));

export function tooDeep(): WireError {
  return new WireError("TooDeep", `messages nest deeper than ${maxDepth} levels`);
}

/** Messages that may still be read, the outermost among them, of the one that is being decoded. */
export const allowance = { left: 0 };
export const unlimited = 0x3fff_ffff;

export function tooMany(): WireError {
  return new WireError("TooMany", "a message holds more others than may be read in one go");
}

export function readBool(bytes: Uint8Array, at: number, end: number): boolean {
  readVarint(bytes, at, end);
  return (cursor.lo | cursor.hi) !== 0;
}

export function readInt32(bytes: Uint8Array, at: number, end: number): number {
  readVarint(bytes, at, end);
  return cursor.lo;
}

export function int32Size(value: number): number {
  if ((value | 0) !== value) throw new WireError("UnsafeInteger", `${value} is not a 32-bit integer`);
  return varintSize(value);
}

export function uint32Size(value: number): number {
  if (value >>> 0 !== value) throw new WireError("UnsafeInteger", `${value} is not an unsigned 32-bit integer`);
  return varintSize(value);
}

export function delimitedSize(length: number): number {
  return varintSize(length) + length;
}

/** A view, whatever kind of array `bytes` is: `subarray` of a Node Buffer would be a Buffer again, and slower. */
export function view(bytes: Uint8Array, at: number, length: number): Uint8Array {
  return length === 0 ? noBytes : new Uint8Array(bytes.buffer, bytes.byteOffset + at, length);
}

/** Below this, a loop is quicker than calling out to copy. */
const copyByHand = 24;

export function writeBytes(into: Uint8Array, at: number, value: Uint8Array): number {
  const { length } = value;
  const start = writeVarint(into, at, length);
  if (length > copyByHand) into.set(value, start);
  else for (let i = 0; i < length; i++) into[start + i] = value[i] as number;
  return start + length;
}

/** As `writeBytes`, of a message that lies in a larger buffer. */
function writeEncoded(into: Uint8Array, at: number, { buffer, start, end }: Encoded<unknown>): number {
  const length = end - start;
  const from = writeVarint(into, at, length);
  if (length > copyByHand) into.set(view(buffer, start, length), from);
  else for (let i = 0; i < length; i++) into[from + i] = buffer[start + i] as number;
  return from + length;
}

export function writeString(into: Uint8Array, at: number, value: string): number {
  // The size of a short string is its length or, beyond ASCII, not: measuring again is cheaper than remembering.
  return writeUtf8(into, writeVarint(into, at, utf8Size(value)), value);
}

export function embeddedSize(type: MessageSchema<unknown>, value: object): number {
  if (value instanceof Encoded) return delimitedSize(value.end - value.start);
  const slot = sizes.reserve();
  const size = type.codec.size(value);
  sizes.set(slot, size);
  return delimitedSize(size);
}

export function writeEmbedded(type: MessageSchema<unknown>, value: object, into: Uint8Array, at: number): number {
  if (value instanceof Encoded) return writeEncoded(into, at, value);
  return type.codec.write(value, into, writeVarint(into, at, sizes.take()));
}

export function packedSize<T>(values: readonly T[], sizeOf: (value: T) => number): number {
  let size = 0;
  for (const value of values) size += sizeOf(value);
  sizes.set(sizes.reserve(), size);
  return size;
}

export function writePacked<T>(
  into: Uint8Array,
  at: number,
  values: readonly T[],
  write: (into: Uint8Array, at: number, value: T) => number,
): number {
  let pos = writeVarint(into, at, sizes.take());
  for (const value of values) pos = write(into, pos, value);
  return pos;
}

export function whole(type: MessageSchema<unknown>, value: object): unknown {
  return type.create(value);
}

/** Steps over a field of unknown number or unexpected wire type whose tag was just read. */
export function skip(bytes: Uint8Array, at: number, end: number, tag: number, depth: number): number {
  if (tag >>> 3 === 0 || tag === 0xffff_ffff) throw invalidTag(tag);
  switch (tag & 7) {
    case 0:
      readVarint(bytes, at, end);
      return cursor.pos;
    case 1:
      return within(at + 8, end);
    case 2: {
      const length = readLength(bytes, at, end);
      return within(cursor.pos + length, end);
    }
    case 3:
      return skipGroup(bytes, at, end, tag, depth + 1);
    case 5:
      return within(at + 4, end);
    default:
      throw invalidTag(tag);
  }
}

/** A group ends with a tag of its own number; etcd has none, but what is unknown may hold one. */
function skipGroup(bytes: Uint8Array, start: number, end: number, group: number, depth: number): number {
  if (depth > maxDepth) throw tooDeep();
  for (let at = start; at < end; ) {
    const tag = readLength(bytes, at, end);
    at = cursor.pos;
    if (tag === group + 1) return at;
    at = skip(bytes, at, end, tag, depth);
  }
  throw truncated();
}

function within(at: number, end: number): number {
  if (at > end) throw truncated();
  return at;
}

function invalidTag(tag: number): WireError {
  return new WireError("InvalidTag", `no field can have the tag ${tag}`);
}
