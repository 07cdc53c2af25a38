import type { VirtualClock } from "../../base/mod.ts";

/** Lets everything run that needs no time to pass: promises, and what follows from them. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets time pass in steps, and what falls due in each step run to its end before the next. */
export async function elapse(clock: VirtualClock, ms: number, stepMs = ms): Promise<void> {
  await settle();
  for (let passed = 0; passed < ms; passed += stepMs) {
    clock.advance(Math.min(stepMs, ms - passed));
    await settle();
  }
}
