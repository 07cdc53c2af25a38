import type { Entry } from "./engine.ts";
import type { Work } from "./work.ts";

/** Entries as they go from thread to thread: a run in one block of memory, with how many there are, the lengths of each key and value (4 bytes
 * each, as the machine has them), then keys and values back to back. What the binding of LevelDB makes, two buffers for each entry, takes the
 * garbage collector longer to free than all else here takes. */
export const work: Work = {
  module: import.meta.url,
  scans: 1,
  async *run(scans) {
    for (const scan of scans) for await (const entries of scan) yield packRun(entries);
  },
};

export function packRun(entries: readonly Entry[]): Uint8Array {
  const headBytes = 4 + 8 * entries.length;
  let size = headBytes;
  for (const { key, value } of entries) size += key.length + value.length;
  const bytes = new Uint8Array(size);
  const lengths = new Uint32Array(bytes.buffer, 0, 1 + 2 * entries.length);
  lengths[0] = entries.length;
  let at = headBytes;
  for (const [i, { key, value }] of entries.entries()) {
    lengths[1 + 2 * i] = key.length;
    lengths[2 + 2 * i] = value.length;
    bytes.set(key, at);
    bytes.set(value, at + key.length);
    at += key.length + value.length;
  }
  return bytes;
}

/** Keys and values are views of `run`, which begins at a multiple of 4 bytes. */
export function unpackRun(run: Uint8Array): Entry[] {
  const { buffer, byteOffset } = run;
  const [count = 0] = new Uint32Array(buffer, byteOffset, 1);
  const lengths = new Uint32Array(buffer, byteOffset + 4, 2 * count);
  const entries = new Array<Entry>(count);
  let at = byteOffset + 4 + 8 * count;
  for (let i = 0; i < count; i++) {
    const [keyBytes, valueBytes] = [lengths[2 * i] as number, lengths[2 * i + 1] as number];
    entries[i] = {
      key: new Uint8Array(buffer, at, keyBytes),
      value: new Uint8Array(buffer, at + keyBytes, valueBytes),
    };
    at += keyBytes + valueBytes;
  }
  return entries;
}
