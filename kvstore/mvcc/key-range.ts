import { type ByteString, toByteString } from "./byte-string.ts";

/** Keys from `from` up to, but not including, `to`; `to` undefined has no end. */
export interface KeyRange {
  readonly from: ByteString;
  readonly to: ByteString | undefined;
}

/** The range a request names: no `rangeEnd` is the one key, a single zero byte is everything from `key` on. A range
 * that ends before it begins is legal, and empty. */
export function keyRange(key: Uint8Array, rangeEnd: Uint8Array): KeyRange {
  const from = toByteString(key);
  if (rangeEnd.length === 0) return singleKey(from);
  if (rangeEnd.length === 1 && rangeEnd[0] === 0) return { from, to: undefined };
  return { from, to: toByteString(rangeEnd) };
}

/** The successor of a key in byte order is the key with a zero byte behind it. */
export function singleKey(key: ByteString): KeyRange {
  return { from: key, to: `${key}\0` };
}

export function contains({ from, to }: KeyRange, key: ByteString): boolean {
  return key >= from && (to === undefined || key < to);
}
