import { assert, Ring } from "../../base/mod.ts";
import type { Index } from "../types.ts";

/** The appends on their way to one follower, oldest first, bounded in number and in bytes. */
export class Inflights {
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  #sent = new Ring<{ readonly lastIndex: Index; readonly sizeBytes: number }>();
  #sizeBytes = 0;

  constructor(maxMessages: number, maxBytes: number) {
    this.#maxMessages = maxMessages;
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#sent.size;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The message that reaches a bound still goes; none goes after it. */
  get full(): boolean {
    return this.#sent.size >= this.#maxMessages || this.#sizeBytes >= this.#maxBytes;
  }

  add(lastIndex: Index, sizeBytes: number): void {
    assert(!this.full, "nothing is sent into a full window");
    this.#sent.push({ lastIndex, sizeBytes });
    this.#sizeBytes += sizeBytes;
  }

  /** The follower has everything up to `index`: what carried it has arrived. */
  freeUpTo(index: Index): void {
    for (
      let oldest = this.#sent.peek();
      oldest !== undefined && oldest.lastIndex <= index;
      oldest = this.#sent.peek()
    ) {
      this.#sent.shift();
      this.#sizeBytes -= oldest.sizeBytes;
    }
  }

  clear(): void {
    if (this.#sent.size > 0) this.#sent = new Ring();
    this.#sizeBytes = 0;
  }
}
