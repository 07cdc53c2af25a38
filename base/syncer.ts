import type { Clock, Timer } from "./clock.ts";
import type { Log } from "./log.ts";

export interface SyncerOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** What could not be done, for the log: "could not apply the Services". */
  readonly complaint: string;
  /** Changes that come within this time of each other are applied together. */
  readonly gatherMs: number;
  readonly retryMs: number;
}

/** Applies the newest state after changes: one application at a time, once for changes that come together, again after a failure. */
export class Syncer {
  readonly #apply: () => Promise<void>;
  readonly #options: SyncerOptions;
  #timer: Timer | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(apply: () => Promise<void>, options: SyncerOptions) {
    this.#apply = apply;
    this.#options = options;
  }

  /** Something changed: it will be applied soon. */
  changed(afterMs = this.#options.gatherMs): void {
    if (this.#stopped || this.#timer !== undefined) return;
    this.#timer = this.#options.clock.after(afterMs, () => {
      this.#timer = undefined;
      void this.now();
    });
  }

  /** Applies at once, or as soon as the application under way has ended; resolves afterwards, also after a failure. */
  now(): Promise<void> {
    this.#running = this.#running.then(() => this.#attempt());
    return this.#running;
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#running;
  }

  async #attempt(): Promise<void> {
    if (this.#stopped) return;
    try {
      await this.#apply();
    } catch (error) {
      if (this.#stopped) return;
      const { log, complaint, retryMs } = this.#options;
      log("error", `${complaint}; trying again`, { error: (error as Error).message });
      this.changed(retryMs);
    }
  }
}
