import { randomInt } from "node:crypto";
import type { Clock, Random } from "../../base/mod.ts";

/** The machine's time. */
export const machineClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, fire) {
    const timer = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** The machine's chance, which nobody can foretell: names of objects come from it. */
export const machineRandom: Random = { below: (bound) => randomInt(bound) };
