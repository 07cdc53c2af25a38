import type { Duplex, Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";

/**
 * Joins two connections: what one says the other hears, no faster than it listens; each half ends for itself. Resolves when both have ended. When
 * one breaks, the other is destroyed; what breaks is over, and no failure of whoever joined them: resolves too.
 */
export async function join(a: Duplex, b: Duplex): Promise<void> {
  const breakBoth = () => {
    a.destroy();
    b.destroy();
  };
  a.once("close", () => a.readableEnded || breakBoth());
  b.once("close", () => b.readableEnded || breakBoth());
  await Promise.all([copy(a, b), copy(b, a)]);
  breakBoth();
}

async function copy(from: Readable, to: Writable): Promise<void> {
  try {
    await pipeline(from, to);
  } catch {
    from.destroy();
    to.destroy();
  }
}
