import type { Clock, Random } from "../../base/mod.ts";

/** The machine's time. The only place in this room that touches the machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, fire) {
    // Node fires at once when the delay does not fit 32 bits.
    const timer = setTimeout(fire, Math.min(Math.max(0, delayMs), 2 ** 31 - 1));
    return { cancel: () => clearTimeout(timer) };
  },
};

/** The machine's chance: good enough for jitter and names, not for secrets. */
export const systemRandom: Random = { below: (below) => Math.floor(Math.random() * below) };
