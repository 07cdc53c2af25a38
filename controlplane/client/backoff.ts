import type { Clock, Random } from "../../base/mod.ts";

export interface BackoffOptions {
  readonly initialMs: number;
  readonly factor: number;
  readonly maxMs: number;
  /** Each delay is lengthened by up to this fraction of itself, so that many clients do not return at the same instant. */
  readonly jitter: number;
  /** After this long without a failure the next delay is the first again. */
  readonly resetAfterMs: number;
}

/** Growing delays between attempts of one thing. */
export class Backoff {
  readonly #options: BackoffOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  #nextMs: number;
  #lastAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: BackoffOptions, clock: Clock, random: Random) {
    this.#options = options;
    this.#clock = clock;
    this.#random = random;
    this.#nextMs = options.initialMs;
  }

  /** How long to wait before the next attempt, in milliseconds. */
  next(): number {
    const now = this.#clock.monotonic();
    if (now - this.#lastAtMs > this.#options.resetAfterMs) this.#nextMs = this.#options.initialMs;
    this.#lastAtMs = now;
    const delayMs = this.#nextMs;
    this.#nextMs = Math.min(delayMs * this.#options.factor, this.#options.maxMs);
    return delayMs * (1 + (this.#options.jitter * this.#random.below(1000)) / 1000);
  }

  reset(): void {
    this.#nextMs = this.#options.initialMs;
  }
}
