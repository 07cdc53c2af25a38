import { toUtf8 } from "../../base/mod.ts";

/** As a range end: every key from the start on. */
export const noEnd: Uint8Array = new Uint8Array([0]);

/** The range end that, with `prefix` as key, selects all keys with that prefix: the prefix's successor, or no end if it
 * has none. For all keys pass the key 0x00 with `noEnd`. */
export function prefixEnd(prefix: Uint8Array | string): Uint8Array {
  const bytes = typeof prefix === "string" ? toUtf8(prefix) : prefix;
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === 0xff) length--;
  if (length === 0) return noEnd;
  const end = bytes.slice(0, length);
  end[length - 1] = (end[length - 1] as number) + 1;
  return end;
}
