import type { Clock } from "../../base/mod.ts";

/** Time as it is, for clients and for who breaks things. */
export const machineClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, fire) {
    const timer = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

export function sleep(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms));
}
