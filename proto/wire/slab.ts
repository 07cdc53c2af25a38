const slabBytes = 16_384;
/** Longer ones get memory of their own. */
const longest = 2048;
/** Up to here the engine keeps an array's bytes with the array, and a slab gains nothing. */
const shortest = 64;

let slab = new ArrayBuffer(slabBytes);
let used = 0;

/** An array of zeros. Those of middling size share a slab, because memory of their own costs ten times as much time. The
 * price: one that is kept for long keeps the whole slab. */
export function allocate(length: number): Uint8Array {
  if (length <= shortest || length > longest) return new Uint8Array(length);
  if (used + length > slabBytes) {
    slab = new ArrayBuffer(slabBytes);
    used = 0;
  }
  const bytes = new Uint8Array(slab, used, length);
  used += length;
  return bytes;
}
