/** Gives out places in seconds, so many in each: who comes to a full second gets a place in the next that has one. */
export class Spread {
  readonly #perSecond: number;
  readonly #taken = new Map<number, number>();
  /** Of each full second, a later one before which all are full. Followed and shortened, so that a crowd in one second costs no more
   * than one in many. */
  readonly #after = new Map<number, number>();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Takes a place in `second` or, if it is full, in the first one after it that is not. */
  take(second: number): number {
    const free = this.#firstFree(second);
    const taken = (this.#taken.get(free) ?? 0) + 1;
    if (taken < this.#perSecond) this.#taken.set(free, taken);
    else {
      this.#taken.delete(free);
      this.#after.set(free, free + 1);
    }
    return free;
  }

  #firstFree(second: number): number {
    let free = second;
    for (let next = this.#after.get(free); next !== undefined; next = this.#after.get(free)) free = next;
    for (let at = second; at !== free; ) {
      const next = this.#after.get(at) as number;
      this.#after.set(at, free);
      at = next;
    }
    return free;
  }
}
