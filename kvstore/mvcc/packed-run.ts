import type { Entry } from "./engine.ts";

/** A run of entries in one block of memory, as it goes from thread to thread: how many there are, the lengths of each key and value (4
 * bytes each, as the machine has them), then keys and values back to back. For the one who reads it, a block is one thing for the garbage collector to
 * free, where entries that LevelDB's binding makes are two each. */
export function packRun(entries: readonly (readonly [key: Uint8Array, value: Uint8Array])[]): ArrayBuffer {
  const headBytes = 4 + 8 * entries.length;
  let size = headBytes;
  for (const [key, value] of entries) size += key.length + value.length;
  const bytes = new Uint8Array(new ArrayBuffer(size));
  const lengths = new Uint32Array(bytes.buffer, 0, 1 + 2 * entries.length);
  lengths[0] = entries.length;
  let at = headBytes;
  for (const [i, [key, value]] of entries.entries()) {
    lengths[1 + 2 * i] = key.length;
    lengths[2 + 2 * i] = value.length;
    bytes.set(key, at);
    bytes.set(value, at + key.length);
    at += key.length + value.length;
  }
  return bytes.buffer;
}

/** Keys and values are views of `run`. */
export function unpackRun(run: ArrayBuffer): Entry[] {
  const [count = 0] = new Uint32Array(run, 0, 1);
  const lengths = new Uint32Array(run, 4, 2 * count);
  const entries = new Array<Entry>(count);
  let at = 4 + 8 * count;
  for (let i = 0; i < count; i++) {
    const [keyBytes, valueBytes] = [lengths[2 * i] as number, lengths[2 * i + 1] as number];
    entries[i] = {
      key: new Uint8Array(run, at, keyBytes),
      value: new Uint8Array(run, at + keyBytes, valueBytes),
    };
    at += keyBytes + valueBytes;
  }
  return entries;
}
