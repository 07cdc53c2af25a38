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
  const bytes = new DataView(key.buffer, key.byteOffset, key.length);
  return {
    main: bytes.getUint32(0) * 0x1_0000_0000 + bytes.getUint32(4),
    sub: bytes.getUint32(9) * 0x1_0000_0000 + bytes.getUint32(13),
    tombstone: key.length === 18,
  };
}
