import type { Clock, Log, Timer } from "../../../base/mod.ts";
import type { Store } from "./store.ts";

const INTERVAL_MS = 5 * 60_000;

/**
 * Compacts the store every five minutes, to where it stood five minutes before. Any number of API servers may share a
 * store: each tries to move the key `compact_rev_key` from the version it last saw, and only the one that does compacts.
 */
export class Compactor {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  #timer: Timer | undefined;
  #version = 0;
  /** What the next won round compacts to; 0 before the first round. */
  #revision = 0;

  constructor(store: Store, options: { readonly clock: Clock; readonly log: Log }) {
    this.#store = store;
    this.#clock = options.clock;
    this.#log = options.log;
  }

  start(): void {
    this.#timer = this.#clock.after(INTERVAL_MS, () => {
      this.#round()
        .catch((error: unknown) => this.#log("warn", "compaction failed", { error: String(error) }))
        .finally(() => this.#timer && this.start());
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  async #round(): Promise<void> {
    const claim = await this.#store.claimCompaction(this.#version, this.#revision);
    const previous = this.#revision;
    this.#revision = claim.revision;
    if (!claim.won) {
      this.#version = claim.version;
      return;
    }
    this.#version++;
    // The first round does nothing: it does not know how long ago that revision was.
    if (previous > 0) await this.#store.compact(previous);
  }
}
