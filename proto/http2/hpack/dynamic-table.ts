import { assert } from "../../../base/mod.ts";
import { type Header, headerSize } from "./header.ts";

/** The fields seen lately, newest first, in at most `capacity` bytes (RFC 7541 §2.3.2). */
export class DynamicTable {
  /** A ring of which the newest entry sits at `#inserted - 1`. */
  #ring: (Header | undefined)[] = new Array(16);
  #inserted = 0;
  #count = 0;
  #size = 0;
  #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get count(): number {
    return this.#count;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** Grows with every insertion and every change of capacity: while it stands still, indexes mean the same. */
  version = 0;

  /** Number of insertions so far. The entry inserted as the `n`-th has the index `inserted - 1 - n`. */
  get inserted(): number {
    return this.#inserted;
  }

  /** The entry at `index`, 0 being the newest. */
  at(index: number): Header | undefined {
    if (index >= this.#count) return undefined;
    return this.#ring[(this.#inserted - 1 - index) & (this.#ring.length - 1)];
  }

  /** An entry larger than the table empties it, and is not an error (§4.4). */
  insert(header: Header): void {
    this.version++;
    const size = headerSize(header.name, header.value);
    this.#evictTo(this.#capacity - size);
    if (size > this.#capacity) return;
    if (this.#count === this.#ring.length) this.#grow();
    this.#ring[this.#inserted & (this.#ring.length - 1)] = header;
    this.#inserted++;
    this.#count++;
    this.#size += size;
  }

  resize(capacity: number): void {
    if (capacity === this.#capacity) return;
    this.version++;
    this.#capacity = capacity;
    this.#evictTo(capacity);
  }

  #evictTo(size: number): void {
    while (this.#count > 0 && this.#size > size) {
      const oldest = (this.#inserted - this.#count) & (this.#ring.length - 1);
      const { name, value } = this.#ring[oldest] as Header;
      this.#ring[oldest] = undefined;
      this.#count--;
      this.#size -= headerSize(name, value);
    }
    assert(this.#size >= 0 && (this.#count > 0 || this.#size === 0), "an empty table has no size");
  }

  #grow(): void {
    const ring: (Header | undefined)[] = new Array(this.#ring.length * 2);
    for (let i = 0; i < this.#count; i++) ring[(this.#inserted - 1 - i) & (ring.length - 1)] = this.at(i);
    this.#ring = ring;
  }
}
