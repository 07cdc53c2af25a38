/**
 * Keys in order. An array and a binary search: inserting moves memory, which for the tens of thousands of keys of a
 * resource is cheaper than a tree's pointers; loading in key order, which is how the store lists, only appends.
 */
export class SortedKeys {
  readonly #keys: string[] = [];

  add(key: string): void {
    const last = this.#keys.at(-1);
    if (last === undefined || last < key) this.#keys.push(key);
    else this.#keys.splice(this.#position(key), 0, key);
  }

  delete(key: string): void {
    const at = this.#position(key);
    if (this.#keys[at] === key) this.#keys.splice(at, 1);
  }

  /** Keys ≥ `first`. Not to be changed while iterated. */
  *from(first: string): Generator<string> {
    for (let at = this.#position(first); at < this.#keys.length; at++) yield this.#keys[at] as string;
  }

  /** Index of the first key ≥ `key`. */
  #position(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
