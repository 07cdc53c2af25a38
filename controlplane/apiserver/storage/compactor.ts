import type { Store } from "./store.ts";

/**
 * Compacts the store to where it stood a round before. Any number of API servers may share a store: each tries to move
 * the key `compact_rev_key` from the version it last saw, and only the one that does compacts.
 */
export class Compactor {
  /** How far apart rounds are, and with that how much history the store keeps. */
  static readonly intervalMs = 5 * 60_000;
  readonly #store: Store;
  #version = 0;
  /** What the next round that is won compacts to; 0 before the first round. */
  #revision = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  async round(): Promise<void> {
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
