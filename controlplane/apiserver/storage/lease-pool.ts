import type { Clock } from "../../../base/mod.ts";
import type { Store } from "./store.ts";

const MAX_OBJECTS = 1_000;

/** Leases for objects that expire. Objects written within a minute share one: a lease each would drown the store. */
export class LeasePool {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #ttlSeconds: number;
  readonly #reuseMs: number;
  #lease: Promise<bigint> | undefined;
  #reuseUntil = 0;
  #objects = 0;

  constructor(store: Store, clock: Clock, ttlSeconds: number) {
    this.#store = store;
    this.#clock = clock;
    this.#ttlSeconds = ttlSeconds;
    this.#reuseMs = Math.min(60, ttlSeconds * 0.05) * 1000;
  }

  lease(): Promise<bigint> {
    const now = this.#clock.monotonic();
    if (this.#lease !== undefined && now < this.#reuseUntil && this.#objects < MAX_OBJECTS) {
      this.#objects++;
      return this.#lease;
    }
    this.#objects = 1;
    this.#reuseUntil = now + this.#reuseMs;
    // Longer by the window, so that the last object to join lives as long as it was promised.
    const granted = this.#store.grantLease(this.#ttlSeconds + Math.ceil(this.#reuseMs / 1000));
    this.#lease = granted;
    granted.catch(() => {
      if (this.#lease === granted) this.#lease = undefined;
    });
    return granted;
  }
}
