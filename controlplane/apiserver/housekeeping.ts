import type { Clock, Log, Timer } from "../../base/mod.ts";

export interface Chore {
  readonly name: string;
  readonly everyMs: number;
  run(): Promise<void>;
}

/** Runs each chore again and again, never twice at once. A chore that fails is told and tried again at its next turn. */
export class Housekeeping {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #timers = new Map<Chore, Timer>();

  constructor(options: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = options.clock;
    this.#log = options.log;
  }

  add(chore: Chore): void {
    const again = () => {
      const finished = chore.run().catch((error: unknown) => {
        this.#log("warn", "a chore failed", { chore: chore.name, error: String(error) });
      });
      finished.then(() => this.#timers.has(chore) && this.#schedule(chore, again));
    };
    this.#schedule(chore, again);
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #schedule(chore: Chore, again: () => void): void {
    this.#timers.set(chore, this.#clock.after(chore.everyMs, again));
  }
}
