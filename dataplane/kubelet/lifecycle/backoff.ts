import type { Clock } from "../../../base/mod.ts";

interface Entry {
  readonly delayMs: number;
  readonly updatedAtMs: number;
}

/**
 * Growing delays by key, counted from an event such as a container's end (client-go's flowcontrol.Backoff). The first time costs nothing;
 * an event more than twice the longest delay after the last step starts from the beginning.
 */
export class EventBackoff {
  readonly #entries = new Map<string, Entry>();
  readonly #clock: Clock;
  readonly #initialMs: number;
  readonly #maxMs: number;

  constructor(clock: Clock, initialMs = 10_000, maxMs = 300_000) {
    this.#clock = clock;
    this.#initialMs = initialMs;
    this.#maxMs = maxMs;
  }

  /** How long it still takes, counted from the event, until the next attempt; 0: go. */
  remainingMs(key: string, eventAtMs: number): number {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#expired(entry, eventAtMs)) return 0;
    return Math.max(0, eventAtMs + entry.delayMs - this.#clock.now());
  }

  delayMs(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0;
  }

  /** An attempt is made: the next one has to wait longer. */
  next(key: string, eventAtMs: number): void {
    const entry = this.#entries.get(key);
    const fresh = entry === undefined || this.#expired(entry, eventAtMs);
    const delayMs = fresh ? this.#initialMs : Math.min(entry.delayMs * 2, this.#maxMs);
    this.#entries.set(key, { delayMs, updatedAtMs: this.#clock.now() });
  }

  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }

  #expired(entry: Entry, eventAtMs: number): boolean {
    return eventAtMs - entry.updatedAtMs > 2 * this.#maxMs;
  }
}

/** A whole number of seconds as Go prints it: `10s`, `2m40s`, `5m0s`. */
export function goDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
