import { setTimeout as delay } from "node:timers/promises";

/** Polls until `look` returns something other than undefined or false; fails with what `look` last threw or with `what`. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 30_000,
  everyMs = 50,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(
        `not within ${timeoutMs} ms: ${what}${last === undefined ? "" : `; last: ${(last as Error).message}`}`,
      );
    }
    await delay(everyMs);
  }
}
