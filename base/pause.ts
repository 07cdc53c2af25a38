import type { Clock } from "./clock.ts";

/** Resolves `delayMs` from now. For waits that nobody cuts short. */
export function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.after(delayMs, resolve));
}
