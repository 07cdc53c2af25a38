import { assert } from "../../base/mod.ts";

/** One stream of a session: what each side may still say. Commands are the session's; this is what it knows. */
export class SpdyStream {
  readonly id: number;
  /** Opened by the peer. */
  readonly isRemote: boolean;
  /** The peer has ended its half. */
  remoteEnded: boolean;
  /** We have, or may not speak at all. Data that waits for the window counts as not yet said. */
  localEnded: boolean;
  /** Its opener has been answered: only then does data flow from who answers. */
  replied = false;
  /** How many bytes the peer will take. Below 0 after a setting made windows smaller. */
  sendWindow: number;
  /** How many bytes the peer may send before it hears that some were consumed. */
  receiveWindow: number;
  /** Consumed, and not yet told to the peer. Invariant: never more than half a window. */
  consumed = 0;
  readonly #queue: Uint8Array[] = [];
  #finQueued = false;

  constructor(id: number, isRemote: boolean, windows: { readonly send: number; readonly receive: number }) {
    this.id = id;
    this.isRemote = isRemote;
    this.remoteEnded = false;
    this.localEnded = false;
    this.sendWindow = windows.send;
    this.receiveWindow = windows.receive;
  }

  get isClosed(): boolean {
    return this.remoteEnded && this.localEnded;
  }

  /** Something waits for the peer's window. */
  get isWaiting(): boolean {
    return this.#queue.length > 0 || this.#finQueued;
  }

  enqueue(data: Uint8Array, fin: boolean): void {
    assert(!this.localEnded && !this.#finQueued, "nothing is said on a stream after its end");
    if (data.length > 0) this.#queue.push(data);
    this.#finQueued = fin;
  }

  /** The next piece that fits into the window and `limit`; undefined: none. */
  dequeue(limit: number): { readonly data: Uint8Array; readonly fin: boolean } | undefined {
    const first = this.#queue[0];
    if (first === undefined) {
      if (!this.#finQueued) return undefined;
      this.#finQueued = false;
      return { data: new Uint8Array(0), fin: true };
    }
    const length = Math.min(first.length, limit, this.sendWindow);
    if (length <= 0) return undefined;
    if (length === first.length) this.#queue.shift();
    else this.#queue[0] = first.subarray(length);
    this.sendWindow -= length;
    const fin = this.#finQueued && this.#queue.length === 0;
    if (fin) this.#finQueued = false;
    return { data: first.subarray(0, length), fin };
  }
}
