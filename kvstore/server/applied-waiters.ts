import type { Clock } from "../../base/mod.ts";

interface Waiter {
  readonly index: number;
  readonly resolve: () => void;
}

/** Those that wait for this member to have applied an entry that it may not even have. They are few, and rarely any. */
export class AppliedWaiters {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves when `index` is applied, or after `timeoutMs`. */
  wait(index: number, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const waiter = {
        index,
        resolve: () => {
          timer.cancel();
          this.#waiting.delete(waiter);
          resolve();
        },
      };
      const timer = this.#clock.after(timeoutMs, waiter.resolve);
      this.#waiting.add(waiter);
    });
  }

  applied(index: number): void {
    if (this.#waiting.size === 0) return;
    for (const waiter of [...this.#waiting]) if (waiter.index <= index) waiter.resolve();
  }
}
