/** A set of small numbers as Kubernetes stores it: the big-endian bytes of an integer whose bit N says whether N is in. */
export class Bitmap {
  /** Bit N is bit N % 8 of byte N / 8: reversed only when stored. */
  readonly #bytes: Uint8Array;
  readonly size: number;

  constructor(size: number, stored: Uint8Array = new Uint8Array()) {
    this.size = size;
    this.#bytes = new Uint8Array(Math.ceil(size / 8));
    for (let i = 0; i < stored.length && i < this.#bytes.length; i++)
      this.#bytes[i] = stored[stored.length - 1 - i] as number;
  }

  has(offset: number): boolean {
    return ((this.#bytes[offset >> 3] as number) & (1 << (offset & 7))) !== 0;
  }

  add(offset: number): void {
    this.#bytes[offset >> 3] = (this.#bytes[offset >> 3] as number) | (1 << (offset & 7));
  }

  delete(offset: number): void {
    this.#bytes[offset >> 3] = (this.#bytes[offset >> 3] as number) & ~(1 << (offset & 7));
  }

  *offsets(): Generator<number> {
    for (let offset = 0; offset < this.size; offset++) if (this.has(offset)) yield offset;
  }

  /** The first free number from `start` on, within [low, high), going round; undefined: all taken. */
  free(low: number, high: number, start: number): number | undefined {
    for (let i = 0; i < high - low; i++) {
      const offset = low + ((start - low + i) % (high - low));
      if (!this.has(offset)) return offset;
    }
    return undefined;
  }

  toStored(): Uint8Array {
    let length = this.#bytes.length;
    while (length > 0 && this.#bytes[length - 1] === 0) length--;
    return this.#bytes.slice(0, length).reverse();
  }
}
