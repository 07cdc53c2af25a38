import { ErrorCode, frameHeaderBytes } from "./constants.ts";
import { ConnectionError } from "./error.ts";
import { readUint32 } from "./output.ts";

/** Takes a frame whose payload is `bytes[start..end)`. False: no more frames are wanted. */
export type TakeFrame = (
  type: number,
  flags: number,
  streamId: number,
  bytes: Uint8Array,
  start: number,
  end: number,
) => boolean;

/** Cuts a byte stream into frames. Those that lie within one chunk are passed on where they lie; only one that spans
 * chunks is put together, in a buffer of its own. */
export class FrameReader {
  readonly #maxFrameBytes: number;
  readonly #take: TakeFrame;
  /** The beginning of a frame that is still incomplete. Its length is that of the frame once the header is known. */
  #partial: Uint8Array = new Uint8Array(0);
  #have = 0;

  constructor(maxFrameBytes: number, take: TakeFrame) {
    this.#maxFrameBytes = maxFrameBytes;
    this.#take = take;
  }

  /** Throws ConnectionError for a frame that is too large, and whatever `take` throws. */
  push(chunk: Uint8Array, start: number): void {
    let at = start;
    if (this.#have > 0) {
      at = this.#complete(chunk, at);
      if (at < 0) return;
    }
    while (chunk.length - at >= frameHeaderBytes) {
      const end = at + frameHeaderBytes + this.#length(chunk, at);
      if (end > chunk.length) break;
      if (!this.#frame(chunk, at, end)) return;
      at = end;
    }
    if (at < chunk.length) this.#keep(chunk, at);
  }

  #frame(bytes: Uint8Array, at: number, end: number): boolean {
    const streamId = readUint32(bytes, at + 5) & 0x7fff_ffff;
    return this.#take(bytes[at + 3] as number, bytes[at + 4] as number, streamId, bytes, at + frameHeaderBytes, end);
  }

  #length(bytes: Uint8Array, at: number): number {
    const length = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    if (length <= this.#maxFrameBytes) return length;
    throw new ConnectionError(
      ErrorCode.FRAME_SIZE_ERROR,
      `a frame of ${length} bytes, of at most ${this.#maxFrameBytes}`,
    );
  }

  #keep(chunk: Uint8Array, at: number): void {
    const have = chunk.length - at;
    const length = have < frameHeaderBytes ? 0 : this.#length(chunk, at);
    this.#partial = new Uint8Array(frameHeaderBytes + length);
    this.#partial.set(chunk.subarray(at));
    this.#have = have;
  }

  /** Completes the partial frame from `chunk`; returns where the next one begins, or -1 if there is none to expect. */
  #complete(chunk: Uint8Array, start: number): number {
    let at = this.#fill(chunk, start);
    if (this.#have < frameHeaderBytes) return -1;
    const whole = frameHeaderBytes + this.#length(this.#partial, 0);
    if (this.#partial.length < whole) {
      const header = this.#partial;
      this.#partial = new Uint8Array(whole);
      this.#partial.set(header);
      at = this.#fill(chunk, at);
    }
    if (this.#have < whole) return -1;
    const frame = this.#partial;
    this.#partial = new Uint8Array(0);
    this.#have = 0;
    return this.#frame(frame, 0, whole) ? at : -1;
  }

  #fill(chunk: Uint8Array, at: number): number {
    const count = Math.min(this.#partial.length - this.#have, chunk.length - at);
    this.#partial.set(chunk.subarray(at, at + count), this.#have);
    this.#have += count;
    return at + count;
  }
}
