import type { Duplex } from "node:stream";

/** Who does not read what was said before the other side broke is cut off then. */
const lastWordsMs = 2_000;

/**
 * Joins two connections: what one says the other hears, no faster than it listens; each half ends for itself. Resolves when both have ended. When
 * one breaks, the other hears what was said before and is closed; what breaks is over, and no failure of whoever joined them: resolves too.
 */
export async function join(a: Duplex, b: Duplex): Promise<void> {
  const both = [a, b] as const;
  const { promise, resolve } = Promise.withResolvers<void>();
  const look = () => {
    if (both.some(isBroken) || both.every((one) => one.writableFinished)) resolve();
  };
  for (const one of both) {
    one.on("finish", look);
    one.on("close", look);
    one.on("error", () => undefined); // "close" follows
  }
  a.pipe(b);
  b.pipe(a);
  look(); // either may have gone before it was joined
  await promise;
  await Promise.all(both.map(leave));
}

/** It is over, and at least one half of it never ended. */
function isBroken(one: Duplex): boolean {
  return one.destroyed && !(one.readableEnded && one.writableFinished);
}

async function leave(one: Duplex): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  one.once("close", resolve);
  one.once("finish", resolve);
  if (one.destroyed || one.writableFinished) resolve();
  else one.end();
  const late = setTimeout(resolve, lastWordsMs).unref();
  await promise;
  clearTimeout(late);
  one.destroy();
}
