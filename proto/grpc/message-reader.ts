import { Status } from "../status.ts";
import { RpcError } from "./error.ts";
import { prefixBytes, readPrefix } from "./prefix.ts";

/**
 * Cuts a stream's payload into messages. After `add`, call `next` until it returns false; each time it returns true, a message
 * lies in `bytes[start..end)`: where it arrived if it came whole, else in a buffer of its own.
 */
export class MessageReader {
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  readonly #maxBytes: number;
  #input: Uint8Array = this.bytes;
  #at = 0;
  #inputEnd = 0;
  /** Prefix and beginning of a message that has not come whole. */
  #partial: Uint8Array = this.bytes;
  #have = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Between messages: the stream may end here. */
  get idle(): boolean {
    return this.#have === 0 && this.#at === this.#inputEnd;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    this.#input = bytes;
    this.#at = start;
    this.#inputEnd = end;
  }

  /** Throws RpcError for a message that is compressed or too large. */
  next(): boolean {
    if (this.#have > 0) return this.#complete();
    if (this.#inputEnd - this.#at < prefixBytes) return this.#keep(prefixBytes);
    const length = readPrefix(this.#input, this.#at, this.#maxBytes);
    if (this.#inputEnd - this.#at < prefixBytes + length) return this.#keep(prefixBytes + length);
    this.bytes = this.#input;
    this.start = this.#at + prefixBytes;
    this.end = this.start + length;
    this.#at = this.end;
    return true;
  }

  #keep(whole: number): false {
    if (this.#at < this.#inputEnd) this.#fill(whole);
    return false;
  }

  #complete(): boolean {
    if (this.#have < prefixBytes) this.#fill(prefixBytes);
    if (this.#have < prefixBytes) return false;
    const whole = prefixBytes + readPrefix(this.#partial, 0, this.#maxBytes);
    this.#fill(whole);
    if (this.#have < whole) return false;
    this.bytes = this.#partial;
    this.start = prefixBytes;
    this.end = whole;
    this.#partial = new Uint8Array(0);
    this.#have = 0;
    return true;
  }

  /** Moves input to the partial message, which is to be `whole` bytes long. Its buffer grows with what has come, not with
   * what was announced: a prefix alone costs the other side nothing. */
  #fill(whole: number): void {
    const count = Math.min(whole - this.#have, this.#inputEnd - this.#at);
    const needed = this.#have + count;
    if (needed > this.#partial.length) {
      const larger = new Uint8Array(Math.min(whole, Math.max(needed, 2 * this.#partial.length)));
      larger.set(this.#partial.subarray(0, this.#have));
      this.#partial = larger;
    }
    this.#partial.set(this.#input.subarray(this.#at, this.#at + count), this.#have);
    this.#have += count;
    this.#at += count;
  }
}

/** Of a stream that ended inside a message. */
export function unfinishedMessage(): RpcError {
  return new RpcError(Status.Internal, "grpc: the stream ended in the middle of a message");
}
