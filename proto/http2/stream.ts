import type { OutgoingHeader, RepeatedHeaders } from "./hpack/encoder.ts";

export type HeadersToSend = readonly OutgoingHeader[] | RepeatedHeaders;

/** One exchange on a connection, which moves all of this; others read it. */
export class Stream<Owner> {
  readonly id: number;
  /** Whatever the connection's user hangs on it. */
  owner: Owner | undefined;
  /** We have sent, or they have sent, the last frame of their half. */
  localClosed = false;
  remoteClosed = false;
  /** Ended by RST_STREAM, of either side, or with the connection. */
  aborted = false;
  headersReceived = false;

  /** Payload that may still be sent; negative after the peer shrank its windows (§6.9.2). */
  sendWindow: number;
  /** Payload that the peer may still send. */
  receiveWindow: number;
  /** Payload received, and not yet given back to the peer's window. */
  consumed = 0;
  /** While paused, nothing is given back. */
  paused = false;

  /** Payload that waits for window or socket. Invariant: `queuedBytes` is its length less `queueOffset`. */
  readonly queue: Uint8Array[] = [];
  queueOffset = 0;
  queuedBytes = 0;
  /** What follows the queue: nothing yet, the end, or trailers and the end. */
  ending: "open" | "end" | HeadersToSend = "open";
  /** In the connection's list of streams that can send. */
  scheduled = false;
  /** Someone was told that the queue is long, and wants to know when it no longer is. */
  blocked = false;

  constructor(id: number, sendWindow: number, receiveWindow: number) {
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
  }

  get closed(): boolean {
    return this.aborted || (this.localClosed && this.remoteClosed);
  }

  /** Moves `count` queued bytes to `into[at…)`. */
  dequeue(count: number, into: Uint8Array, at: number): void {
    let moved = 0;
    let chunks = 0;
    while (moved < count) {
      const chunk = this.queue[chunks] as Uint8Array;
      const length = Math.min(count - moved, chunk.length - this.queueOffset);
      into.set(chunk.subarray(this.queueOffset, this.queueOffset + length), at + moved);
      moved += length;
      this.queueOffset += length;
      if (this.queueOffset === chunk.length) {
        chunks++;
        this.queueOffset = 0;
      }
    }
    this.queue.splice(0, chunks);
    this.queuedBytes -= count;
  }
}
