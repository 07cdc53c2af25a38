import type { Clock } from "../../../base/mod.ts";

const firstMs = 1000;
const maxMs = 15 * 60_000;

interface Entry {
  readonly delayMs: number;
  readonly atMs: number;
}

/** How long the pods that fail on one node wait for their successors: 1 s, doubled by each failure that follows soon. */
export class FailureBackoff {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds until a pod of this key may be replaced; 0 when now. */
  leftMs(key: string): number {
    const entry = this.#entries.get(key);
    return entry === undefined ? 0 : Math.max(0, entry.atMs + entry.delayMs - this.#clock.monotonic());
  }

  /** A pod of this key is being replaced because it failed. */
  failed(key: string): void {
    const now = this.#clock.monotonic();
    // What has been well for long is forgotten, so that this does not grow with every node there ever was.
    for (const [other, { atMs }] of this.#entries) if (now - atMs > 2 * maxMs) this.#entries.delete(other);
    const before = this.#entries.get(key);
    this.#entries.set(key, {
      delayMs: before === undefined ? firstMs : Math.min(before.delayMs * 2, maxMs),
      atMs: now,
    });
  }
}
