import type { ErrorCode } from "./constants.ts";
import type { ConnectionError } from "./error.ts";
import type { HeaderBlock } from "./hpack/block.ts";
import type { Stream } from "./stream.ts";

/** What a connection has to say. Called from inside `receive` or a command; commands may be given in return. */
export interface ConnectionEvents<Owner> {
  /** The head of a request or response, or trailers (then `stream.headersReceived` was true before). A request's head comes
   * with a new stream. */
  onHeaders(stream: Stream<Owner>, block: HeaderBlock, endStream: boolean): void;
  /** Payload in `bytes[start..end)`, a part of what was given to `receive`. */
  onData(stream: Stream<Owner>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void;
  /** The stream is over before its time: the peer reset it, broke its rules, or the connection ended.
   * REFUSED_STREAM promises that the peer did nothing. */
  onAbort(stream: Stream<Owner>, code: ErrorCode): void;
  /** After `sendData` returned false: the queue is short again. */
  onDrain(stream: Stream<Owner>): void;
  /** There are frames to take, for the first time since the last were taken. */
  onOutput(): void;
  onPing(): void;
  onPong(payload: Uint8Array): void;
  /** The peer's settings have changed. */
  onSettings(): void;
  /** The peer accepts no new streams. Those it will not handle have been aborted with REFUSED_STREAM. */
  onGoaway(code: ErrorCode, debug: string): void;
  /** The peer broke the protocol. GOAWAY is in the output: write it, then close the socket. */
  onError(error: ConnectionError): void;
}
