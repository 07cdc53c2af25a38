/** A message that was encoded before, standing where the message itself could: `buffer[start..end)`, which never changes.
 * Whoever answers many clients with the same key-value or event encodes it once. */
export class Encoded<T> {
  readonly buffer: Uint8Array;
  readonly start: number;
  readonly end: number;
  declare readonly phantom?: T;

  constructor(buffer: Uint8Array, start = 0, end: number = buffer.length) {
    this.buffer = buffer;
    this.start = start;
    this.end = end;
  }

  get length(): number {
    return this.end - this.start;
  }

  /** A view. */
  get bytes(): Uint8Array {
    const { buffer, start, end } = this;
    return start === 0 && end === buffer.length ? buffer : buffer.subarray(start, end);
  }
}
