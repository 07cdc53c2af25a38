/** Letters and digits that spell no words and are not mistaken for each other (apimachinery's rand.SafeEncodeString). */
const safe = "bcdfghjklmnpqrstvwxz2456789";

/** 32-bit FNV-1a. */
function fnv32a(bytes: Uint8Array, seed = 0x811c9dc5): number {
  let hash = seed;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/**
 * A short name for a text: the same one gives the same name, `collisions` another one when a name is taken. Shaped like the original's,
 * not equal to it: that one hashes a dump of Go's memory.
 */
export function hashName(text: string, collisions = 0): string {
  let hash = fnv32a(Buffer.from(text));
  if (collisions > 0) hash = fnv32a(Buffer.from(String(collisions)), hash);
  return [...String(hash)].map((digit) => safe[digit.charCodeAt(0) % safe.length]).join("");
}
