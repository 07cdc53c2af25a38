const initialSlots = 1 << 10;

/**
 * Where a search has been: pairs of a set of operations, as a short list of integers, and a state. Exact: equal hashes are compared in full, for a false hit
 * would make a legal history illegal.
 */
export class Visited<State> {
  readonly #equal: (a: State, b: State) => boolean;
  /** Open addressing: number of an entry plus one, zero for a free slot. */
  #slots = new Int32Array(initialSlots);
  #hashes = new Int32Array(initialSlots >> 1);
  /** Where in the pool each entry begins; it ends where the next begins. */
  #starts = new Float64Array((initialSlots >> 1) + 1);
  #states: State[] = [];
  #pool = new Int32Array(initialSlots);
  #poolSize = 0;

  constructor(equal: (a: State, b: State) => boolean) {
    this.#equal = equal;
  }

  /** Bytes held, without those of the states. */
  get sizeBytes(): number {
    return this.#pool.byteLength + this.#slots.byteLength + this.#hashes.byteLength + this.#starts.byteLength;
  }

  /** Adds the first `length` integers of `list` with the state; false when that was there already. */
  add(list: Int32Array, length: number, state: State, stateHash: number): boolean {
    let hash = stateHash | 0;
    for (let i = 0; i < length; i++) hash = Math.imul(hash ^ (list[i] as number), 0x9e3779b1) ^ (hash >>> 15);
    hash ^= hash >>> 13;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let entry = this.#slots[slot] as number; entry !== 0; entry = this.#slots[slot] as number) {
      if (this.#hashes[entry - 1] === hash && this.#same(entry - 1, list, length, state)) return false;
      slot = (slot + 1) & mask;
    }
    this.#insert(slot, hash, list, length, state);
    return true;
  }

  #same(entry: number, list: Int32Array, length: number, state: State): boolean {
    const start = this.#starts[entry] as number;
    if ((this.#starts[entry + 1] as number) - start !== length) return false;
    const pool = this.#pool;
    for (let i = 0; i < length; i++) if (pool[start + i] !== list[i]) return false;
    return this.#equal(this.#states[entry] as State, state);
  }

  #insert(slot: number, hash: number, list: Int32Array, length: number, state: State): void {
    const entry = this.#states.length;
    if (this.#poolSize + length > this.#pool.length) {
      const pool = new Int32Array(Math.max(this.#pool.length * 2, this.#poolSize + length));
      pool.set(this.#pool);
      this.#pool = pool;
    }
    for (let i = 0; i < length; i++) this.#pool[this.#poolSize + i] = list[i] as number;
    this.#poolSize += length;
    this.#states.push(state);
    this.#hashes[entry] = hash;
    this.#starts[entry + 1] = this.#poolSize;
    this.#slots[slot] = entry + 1;
    if ((entry + 2) * 2 > this.#slots.length) this.#grow();
  }

  #grow(): void {
    const capacity = this.#slots.length * 2;
    const hashes = new Int32Array(capacity >> 1);
    hashes.set(this.#hashes);
    const starts = new Float64Array((capacity >> 1) + 1);
    starts.set(this.#starts);
    const slots = new Int32Array(capacity);
    for (let entry = 0; entry < this.#states.length; entry++) {
      let slot = (hashes[entry] as number) & (capacity - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (capacity - 1);
      slots[slot] = entry + 1;
    }
    this.#hashes = hashes;
    this.#starts = starts;
    this.#slots = slots;
  }
}
