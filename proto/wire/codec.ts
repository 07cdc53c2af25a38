import type { Encoded } from "./encoded.ts";

/** What `compile` makes of a message type. */
export interface Codec<T> {
  /** Bytes of `value`; notes the lengths of embedded messages in `sizes`. */
  size(value: object): number;
  write(value: object, into: Uint8Array, at: number): number;
  decode(bytes: Uint8Array, start: number, end: number, depth: number): T;
  create(value: object | Encoded<T>): T;
}
