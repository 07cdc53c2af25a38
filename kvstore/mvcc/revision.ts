import { assert } from "../../base/mod.ts";
import { type ByteString, sliceToByteString } from "./byte-string.ts";

/** Every write of a transaction has the same `main`; `sub` counts them from 0. */
export interface Revision {
  readonly main: number;
  readonly sub: number;
}

const scratch = new Uint8Array(18);
const view = new DataView(scratch.buffer);
scratch[8] = 0x5f; // "_"
scratch[17] = 0x74; // "t"

/** The key of a revision in the `key` bucket, in etcd's own format: 8 bytes of main, `_`, 8 bytes of sub, and `t` for
 * a tombstone. Byte order is revision order. */
export function revisionKey(main: number, sub: number, tombstone: boolean): ByteString {
  view.setUint32(0, Math.floor(main / 0x1_0000_0000));
  view.setUint32(4, main >>> 0);
  view.setUint32(9, Math.floor(sub / 0x1_0000_0000));
  view.setUint32(13, sub >>> 0);
  return sliceToByteString(scratch, 0, tombstone ? 18 : 17);
}

export function parseRevisionKey(key: Uint8Array): Revision & { readonly tombstone: boolean } {
  assert(key.length === 17 || key.length === 18, "a revision's key has 17 bytes, a tombstone's 18");
  return { main: uint64(key, 0), sub: uint64(key, 9), tombstone: key.length === 18 };
}

/** By hand, since a view of each key of millions costs more than all else here. */
function uint64(bytes: Uint8Array, at: number): number {
  return uint32(bytes, at) * 0x1_0000_0000 + uint32(bytes, at + 4);
}

function uint32(bytes: Uint8Array, at: number): number {
  const high = (bytes[at]! << 8) | bytes[at + 1]!;
  const low = (bytes[at + 2]! << 8) | bytes[at + 3]!;
  return high * 0x1_0000 + low;
}
