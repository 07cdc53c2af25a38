import * as http2 from "node:http2";
import { Ring } from "../../base/mod.ts";
import { transportError } from "./transport.ts";

/** So much may wait for the reader before the server is asked to wait. */
const highWaterBytes = 1 << 20;

/**
 * The answer's body, chunk by chunk. Listens from the moment it is made: an async iterator over the stream itself would report a body
 * that has arrived completely before the first `next` as cut off, because the stream counts as closed by then.
 */
export class Http2Body implements AsyncIterable<Uint8Array> {
  readonly #stream: http2.ClientHttp2Stream;
  readonly #what: string;
  readonly #signal: AbortSignal | undefined;
  readonly #chunks = new Ring<Uint8Array>();
  #waitingBytes = 0;
  #ended = false;
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(stream: http2.ClientHttp2Stream, what: string, signal: AbortSignal | undefined) {
    this.#stream = stream;
    this.#what = what;
    this.#signal = signal;
    stream.on("data", (chunk: Uint8Array) => {
      this.#chunks.push(chunk);
      this.#waitingBytes += chunk.length;
      if (this.#waitingBytes > highWaterBytes) stream.pause();
      this.#wake?.();
    });
    stream.once("end", () => {
      this.#ended = true;
      this.#wake?.();
    });
    stream.once("error", (error) => {
      this.#failure ??= error;
    });
    stream.once("close", () => {
      if (!this.#ended) this.#failure ??= new Error(`stream closed with code ${stream.rstCode}`);
      this.#wake?.();
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    try {
      for (;;) {
        // Checked first: what came before the abort is of no interest any more, and a cancelled stream ends like a finished one.
        if (this.#signal?.aborted) throw this.#signal.reason;
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          this.#waitingBytes -= chunk.length;
          if (this.#stream.isPaused()) this.#stream.resume();
          yield chunk;
        } else if (this.#ended) return;
        else if (this.#failure !== undefined) throw transportError(this.#what, true, this.#failure);
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      if (!this.#stream.closed) this.#stream.close(http2.constants.NGHTTP2_CANCEL);
    }
  }
}
