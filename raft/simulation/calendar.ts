/** Farther ahead than this nothing is put down. */
const horizonMs = 4096;

/** What happens when, to the millisecond; what falls into the same one happens in the order it was put down. */
export class Calendar<Item> {
  readonly #days: Item[][] = Array.from({ length: horizonMs }, () => []);
  #nowMs = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Not before the next millisecond, nor beyond the horizon. */
  after(ms: number, item: Item): void {
    const atMs = this.#nowMs + Math.min(Math.max(1, ms), horizonMs - 1);
    (this.#days[atMs % horizonMs] as Item[]).push(item);
  }

  /** Goes on to the next millisecond, and gives what happens in it. */
  next(): readonly Item[] {
    this.#nowMs++;
    const day = this.#nowMs % horizonMs;
    const items = this.#days[day] as Item[];
    if (items.length > 0) this.#days[day] = [];
    return items;
  }
}
