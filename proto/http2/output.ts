import { Flag, FrameType, frameHeaderBytes } from "./constants.ts";

/** Frames waiting to be written, in one buffer: all that a turn of the event loop produces leaves in one write. */
export class Output {
  bytes: Uint8Array;
  length = 0;
  /** DATA and HEADERS frames written so far. */
  messageFrames = 0;
  readonly #initialBytes: number;

  constructor(initialBytes = 16_384) {
    this.#initialBytes = initialBytes;
    this.bytes = new Uint8Array(initialBytes);
  }

  /** Everything so far, which from now on belongs to the caller, until `recycle`. */
  take(): Uint8Array {
    const taken = this.bytes.subarray(0, this.length);
    this.bytes = new Uint8Array(this.#initialBytes);
    this.length = 0;
    return taken;
  }

  /** Everything so far, for a caller that is done with it when `consume` returns true. */
  drain(consume: (bytes: Uint8Array) => boolean): void {
    const { bytes, length } = this;
    this.length = 0;
    if (!consume(bytes.subarray(0, length)) || bytes.length > 64 * this.#initialBytes) {
      this.bytes = new Uint8Array(this.#initialBytes);
    }
  }

  /** Room for `count` more bytes; returns where they go. */
  reserve(count: number): number {
    const at = this.length;
    const needed = at + count;
    if (needed > this.bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
      larger.set(this.bytes.subarray(0, at));
      this.bytes = larger;
    }
    this.length = needed;
    return at;
  }

  /** A frame's header and room for its payload; returns where the payload goes. Look at `bytes` only afterwards: making
   * room may have replaced it. */
  frame(type: number, flags: number, streamId: number, length: number): number {
    const at = this.reserve(frameHeaderBytes + length);
    const { bytes } = this;
    bytes[at] = length >>> 16;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    if (type === FrameType.DATA || type === FrameType.HEADERS) this.messageFrames++;
    bytes[at + 4] = flags;
    writeUint32(bytes, at + 5, streamId);
    return at + frameHeaderBytes;
  }

  /** HEADERS, and CONTINUATIONs if the block does not fit into one frame. */
  headers(streamId: number, block: Uint8Array, endStream: boolean, maxFrameBytes: number): void {
    const first = Math.min(block.length, maxFrameBytes);
    const endHeaders = first === block.length ? Flag.END_HEADERS : 0;
    const at = this.frame(FrameType.HEADERS, endHeaders | (endStream ? Flag.END_STREAM : 0), streamId, first);
    // Most blocks are a few bytes of indexes.
    if (first <= 32) for (let i = 0; i < first; i++) this.bytes[at + i] = block[i] as number;
    else this.bytes.set(block.subarray(0, first), at);
    for (let from = first; from < block.length; from += maxFrameBytes) {
      const length = Math.min(block.length - from, maxFrameBytes);
      const flags = from + length === block.length ? Flag.END_HEADERS : 0;
      const start = this.frame(FrameType.CONTINUATION, flags, streamId, length);
      this.bytes.set(block.subarray(from, from + length), start);
    }
  }

  rstStream(streamId: number, code: number): void {
    const at = this.frame(FrameType.RST_STREAM, 0, streamId, 4);
    writeUint32(this.bytes, at, code);
  }

  windowUpdate(streamId: number, increment: number): void {
    const at = this.frame(FrameType.WINDOW_UPDATE, 0, streamId, 4);
    writeUint32(this.bytes, at, increment);
  }

  settings(pairs: readonly (readonly [id: number, value: number])[]): void {
    let at = this.frame(FrameType.SETTINGS, 0, 0, 6 * pairs.length);
    for (const [id, value] of pairs) {
      this.bytes[at] = id >>> 8;
      this.bytes[at + 1] = id;
      writeUint32(this.bytes, at + 2, value);
      at += 6;
    }
  }

  settingsAck(): void {
    this.frame(FrameType.SETTINGS, Flag.ACK, 0, 0);
  }

  /** `payload` has eight bytes. */
  ping(payload: Uint8Array, ack: boolean): void {
    const at = this.frame(FrameType.PING, ack ? Flag.ACK : 0, 0, 8);
    this.bytes.set(payload, at);
  }

  goaway(lastStreamId: number, code: number, debug: Uint8Array): void {
    const at = this.frame(FrameType.GOAWAY, 0, 0, 8 + debug.length);
    writeUint32(this.bytes, at, lastStreamId);
    writeUint32(this.bytes, at + 4, code);
    this.bytes.set(debug, at + 8);
  }
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
