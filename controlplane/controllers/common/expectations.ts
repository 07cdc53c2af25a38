import type { Clock } from "../../../base/mod.ts";
import type { ObjectKey } from "../../client/mod.ts";

interface Expected {
  creations: number;
  readonly deletions: Set<string>;
  readonly atMs: number;
}

/** An event that never comes must not block a controller for ever. */
const timeoutMs = 5 * 60_000;

/**
 * What a controller has done and its cache has not shown yet. Deciding again before that would create or delete twice: a cache is
 * behind the server by one watch event. Creations are counted, deletions known by name.
 */
export class Expectations {
  readonly #clock: Clock;
  readonly #expected = new Map<ObjectKey, Expected>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the cache has caught up with what was done for this owner. */
  satisfied(owner: ObjectKey): boolean {
    const expected = this.#expected.get(owner);
    if (expected === undefined) return true;
    const caughtUp = expected.creations <= 0 && expected.deletions.size === 0;
    if (!caughtUp && this.#clock.monotonic() - expected.atMs < timeoutMs) return false;
    this.#expected.delete(owner);
    return true;
  }

  expectCreations(owner: ObjectKey, count: number): void {
    this.#of(owner).creations += count;
  }

  /** Seen by the informer, or never to come because the creation failed. */
  creationObserved(owner: ObjectKey): void {
    const expected = this.#expected.get(owner);
    if (expected !== undefined) expected.creations--;
  }

  expectDeletions(owner: ObjectKey, keys: readonly string[]): void {
    for (const key of keys) this.#of(owner).deletions.add(key);
  }

  deletionObserved(owner: ObjectKey, key: string): void {
    this.#expected.get(owner)?.deletions.delete(key);
  }

  forget(owner: ObjectKey): void {
    this.#expected.delete(owner);
  }

  #of(owner: ObjectKey): Expected {
    let expected = this.#expected.get(owner);
    if (expected === undefined) {
      expected = { creations: 0, deletions: new Set(), atMs: this.#clock.monotonic() };
      this.#expected.set(owner, expected);
    }
    return expected;
  }
}
