/** A message that was encoded before, standing where the message itself could. Whoever answers many clients with the
 * same key-value or event encodes it once. */
export class Encoded<T> {
  readonly bytes: Uint8Array;
  declare readonly phantom?: T;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
}
