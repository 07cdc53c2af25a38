/** Lengths of embedded messages in the order in which they are met: the sizing pass notes them, the writing pass, which
 * walks the same way, reads them. So no length is computed twice, however deep a message lies. */
class Sizes {
  readonly list: number[] = [];
  next = 0;

  /** Takes the place of a length that is known only after its parts are. */
  reserve(): number {
    return this.next++;
  }

  set(slot: number, size: number): void {
    this.list[slot] = size;
  }

  take(): number {
    return this.list[this.next++] as number;
  }
}

export const sizes = new Sizes();
