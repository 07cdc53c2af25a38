import type { ClusterEvent } from "../framework/events.ts";

/**
 * Events that arrive while pods are being tried: they may have come too late for that try, so each pod that fails asks for those since it was
 * begun. Invariant: an event is kept as long as a try is under way that began before it.
 */
export class InFlightEvents<Key> {
  /** The number of the first event that a try has not seen, in the order in which tries began. */
  readonly #beginnings = new Map<Key, number>();
  #events: ClusterEvent[] = [];
  /** Number of the first event that is kept. */
  #first = 0;

  get size(): number {
    return this.#events.length;
  }

  begin(key: Key): void {
    this.#beginnings.delete(key);
    this.#beginnings.set(key, this.#first + this.#events.length);
  }

  record(event: ClusterEvent): void {
    if (this.#beginnings.size > 0) this.#events.push(event);
  }

  /** What has happened since the try began; forgets it. */
  end(key: Key): readonly ClusterEvent[] {
    const beginning = this.#beginnings.get(key);
    if (beginning === undefined) return [];
    const missed = this.#events.slice(beginning - this.#first);
    this.#beginnings.delete(key);
    this.#prune();
    return missed;
  }

  #prune(): void {
    const [oldest = this.#first + this.#events.length] = this.#beginnings.values();
    const seen = oldest - this.#first;
    // Moving what is left costs its length: not for every event.
    if (seen < 64 && seen < this.#events.length) return;
    this.#events = this.#events.slice(seen);
    this.#first = oldest;
  }
}
