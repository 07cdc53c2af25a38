import { WireError } from "./error.ts";

/** Where a read that yields more than one number leaves them: no allocation, at the price of being valid only until
 * the next read. `lo` and `hi` are the halves of a 64-bit value as signed 32-bit integers, so that they stay small
 * integers inside the engine. */
class Cursor {
  pos = 0;
  lo = 0;
  hi = 0;
}

export const cursor = new Cursor();

const scratch = new DataView(new ArrayBuffer(8));

/** Reads up to ten bytes into `cursor`; bits beyond 64 are dropped, as Go does. */
export function readVarint(bytes: Uint8Array, at: number, end: number): void {
  let lo = 0;
  let hi = 0;
  for (let pos = at, shift = 0; shift < 70; shift += 7) {
    if (pos >= end) throw truncated();
    const byte = bytes[pos++] as number;
    const bits = byte & 0x7f;
    if (shift < 28) lo |= bits << shift;
    else if (shift === 28) {
      // Four bits of this byte end the low half, the other three begin the high half.
      lo |= bits << 28;
      hi = bits >> 4;
    } else if (shift < 63) hi |= bits << (shift - 32);
    else hi |= (bits & 1) << 31;
    if (byte > 0x7f) continue;
    cursor.pos = pos;
    cursor.lo = lo;
    cursor.hi = hi;
    return;
  }
  throw new WireError("InvalidVarint", "a varint is longer than ten bytes");
}

/** A tag or a length. One of more than 32 bits reads as the largest, which no message is long enough for. */
export function readLength(bytes: Uint8Array, at: number, end: number): number {
  readVarint(bytes, at, end);
  return cursor.hi === 0 ? cursor.lo >>> 0 : 0xffff_ffff;
}

export function readUint32(bytes: Uint8Array, at: number, end: number): number {
  readVarint(bytes, at, end);
  return cursor.lo >>> 0;
}

export function readInt64(bytes: Uint8Array, at: number, end: number): number {
  readVarint(bytes, at, end);
  return safe(cursor.hi * 0x1_0000_0000 + (cursor.lo >>> 0));
}

export function readUint64(bytes: Uint8Array, at: number, end: number): number {
  readVarint(bytes, at, end);
  return safe((cursor.hi >>> 0) * 0x1_0000_0000 + (cursor.lo >>> 0));
}

/** What lies outside the safe integers becomes the nearest of them. */
export function readClampedInt64(bytes: Uint8Array, at: number, end: number): number {
  readVarint(bytes, at, end);
  const value = cursor.hi * 0x1_0000_0000 + (cursor.lo >>> 0);
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
}

export function readBigInt64(bytes: Uint8Array, at: number, end: number): bigint {
  readVarint(bytes, at, end);
  scratch.setInt32(0, cursor.hi);
  scratch.setInt32(4, cursor.lo);
  return scratch.getBigInt64(0);
}

export function readBigUint64(bytes: Uint8Array, at: number, end: number): bigint {
  readVarint(bytes, at, end);
  scratch.setInt32(0, cursor.hi);
  scratch.setInt32(4, cursor.lo);
  return scratch.getBigUint64(0);
}

/** Size of a whole number in [-2^53, 2^53]. Negative numbers are sign-extended and take ten bytes. */
export function varintSize(value: number): number {
  if (value < 0) return 10;
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  if (value < 0x1000_0000) return 4;
  if (value < 0x8_0000_0000) return 5;
  if (value < 0x400_0000_0000) return 6;
  if (value < 0x2_0000_0000_0000) return 7;
  return 8;
}

/** Like `varintSize`, of a number that comes from outside: anything but a safe integer throws. */
export function checkedInt64Size(value: number): number {
  safe(value);
  return varintSize(value);
}

export function checkedUint64Size(value: number): number {
  if (value < 0) throw new WireError("UnsafeInteger", `an unsigned field cannot hold ${value}`);
  return checkedInt64Size(value);
}

export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let pos = at;
  let rest = value;
  if (rest < 0) return writeHalves(bytes, pos, rest | 0, Math.floor(rest / 0x1_0000_0000) | 0);
  while (rest > 0x7fff_ffff) {
    bytes[pos++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  while (rest > 0x7f) {
    bytes[pos++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[pos++] = rest;
  return pos;
}

/** Of a signed or unsigned 64-bit value; other values are taken modulo 2^64. */
export function bigVarintSize(value: bigint): number {
  scratch.setBigInt64(0, value);
  const hi = scratch.getUint32(0);
  if (hi === 0) return varintSize(scratch.getUint32(4));
  if (hi < 1 << 3) return 5;
  if (hi < 1 << 10) return 6;
  if (hi < 1 << 17) return 7;
  if (hi < 1 << 24) return 8;
  return hi < 0x8000_0000 ? 9 : 10;
}

export function writeBigVarint(bytes: Uint8Array, at: number, value: bigint): number {
  scratch.setBigInt64(0, value);
  return writeHalves(bytes, at, scratch.getInt32(4), scratch.getInt32(0));
}

function writeHalves(bytes: Uint8Array, at: number, low: number, high: number): number {
  let pos = at;
  let lo = low;
  let hi = high;
  while (hi !== 0 || lo < 0 || lo > 0x7f) {
    bytes[pos++] = (lo & 0x7f) | 0x80;
    lo = (lo >>> 7) | (hi << 25);
    hi >>>= 7;
  }
  bytes[pos++] = lo;
  return pos;
}

function safe(value: number): number {
  if (Number.isSafeInteger(value)) return value;
  throw new WireError("UnsafeInteger", `${value} is not a whole number below 2^53`);
}

export function truncated(): WireError {
  return new WireError("Truncated", "the message ends in the middle of a field");
}
