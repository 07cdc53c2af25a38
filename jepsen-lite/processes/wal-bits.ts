import { closeSync, existsSync, openSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type Random, seededRandom } from "../../base/mod.ts";

/**
 * Turns bits over in the newest segment of a write-ahead log, one in so many thousand bytes and at least one, in the first half of what was written: what was
 * acknowledged long ago. Its end could as well have been torn by a crash, and no member could tell. Returns how many bytes changed.
 */
export function flipWalBits(walDir: string, random: Random = seededRandom(1), everyBytes = 4096): number {
  // Who has only just joined may have none yet.
  if (!existsSync(walDir)) return 0;
  const newest = readdirSync(walDir)
    .filter((name) => name.endsWith(".wal"))
    .sort()
    .at(-1);
  if (newest === undefined) return 0;
  const path = join(walDir, newest);
  const bytes = readFileSync(path);
  let written = bytes.length;
  while (written > 0 && bytes[written - 1] === 0) written--;
  const half = written >> 1;
  const flips = half === 0 ? 0 : Math.max(1, Math.floor(half / everyBytes));
  const file = openSync(path, "r+");
  try {
    const at = new Set(Array.from({ length: flips }, () => random.below(half)));
    for (const offset of at) writeSync(file, Buffer.of(bytes[offset]! ^ (1 << random.below(8))), 0, 1, offset);
    return at.size;
  } finally {
    closeSync(file);
  }
}
