import { assert } from "../../../base/mod.ts";

/** A frame is its length (4 bytes, little-endian, of what follows), its kind (1 byte), and a payload. */
export const frameKinds = {
  /** Dialer's first: JSON, see `hello.ts`. */
  hello: 1,
  welcome: 2,
  /** Instead of `welcome`: why not, in words. The connection ends. */
  refused: 3,
  ping: 4,
  pong: 5,
  /** raftpb.Message. */
  message: 6,
  /** Number (4 bytes), kind (1 byte), payload. */
  request: 7,
  /** Number of the request (4 bytes), 0 for an answer or 1 for an error's text (1 byte), payload. */
  response: 8,
  /** A run of records of a snapshot. */
  chunk: 9,
  /** The snapshot is complete. */
  end: 10,
  /** Instead of `welcome`: the dialer was removed from the cluster. */
  removed: 11,
} as const;
export type FrameKind = (typeof frameKinds)[keyof typeof frameKinds];

export const frameHeadBytes = 5;
/** More than any message: a request's limit with room for a full MsgApp. */
const limitBytes = 64 * 1024 * 1024;

export function frame(kind: FrameKind, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(frameHeadBytes + payload.length);
  putFrameHead(bytes, 0, kind, payload.length);
  bytes.set(payload, frameHeadBytes);
  return bytes;
}

/** Gives the offset behind. */
export function putFrameHead(into: Uint8Array, at: number, kind: FrameKind, payloadBytes: number): number {
  const length = payloadBytes + 1;
  into[at] = length & 0xff;
  into[at + 1] = (length >>> 8) & 0xff;
  into[at + 2] = (length >>> 16) & 0xff;
  into[at + 3] = length >>> 24;
  into[at + 4] = kind;
  return at + frameHeadBytes;
}

/** Cuts what a socket delivers into frames. Payloads are views of the chunks where they lie within one. */
export class FrameReader {
  readonly #onFrame: (kind: FrameKind, payload: Uint8Array) => void;
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  /** Bytes that must be there before there is anything to do. */
  #needed: number = frameHeadBytes;

  constructor(onFrame: (kind: FrameKind, payload: Uint8Array) => void) {
    this.#onFrame = onFrame;
  }

  /** Throws if the peer speaks something else. */
  feed(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    if (this.#buffered < this.#needed) return;
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#buffered);
    let at = 0;
    this.#needed = frameHeadBytes;
    while (bytes.length - at >= frameHeadBytes) {
      const length = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
      if (length < 1 || length > limitBytes) throw new Error(`a frame of ${length} bytes`);
      if (bytes.length - at < 4 + length) {
        this.#needed = 4 + length;
        break;
      }
      const end = at + 4 + length;
      this.#onFrame(bytes[at + 4] as FrameKind, bytes.subarray(at + frameHeadBytes, end));
      at = end;
    }
    assert(at <= bytes.length, "frames lie within what was received");
    this.#chunks = at === bytes.length ? [] : [bytes.subarray(at)];
    this.#buffered = bytes.length - at;
  }
}
