import type { Timer } from "../../base/mod.ts";
import {
  ErrorCode,
  type HeaderBlock,
  MessageReader,
  type Method,
  prefixBytes,
  RpcError,
  readStatus,
  readUint32,
  Status,
  type Stream,
  statusOfHttp,
} from "../../proto/mod.ts";

/** How a call ended. */
export interface Outcome {
  readonly code: Status | number;
  readonly message: string;
  /** The server said, or it is certain, that it did nothing. */
  readonly unprocessed: boolean;
}

export interface CallListener<Response> {
  message(response: Response): void;
  /** Called once, last. */
  end(outcome: Outcome): void;
}

/** Above any message: Go's client takes as much. */
const maxResponseBytes = 0x7fff_ffff;

function isOneMessage(bytes: Uint8Array, start: number, end: number): boolean {
  return end - start >= prefixBytes && bytes[start] === 0 && readUint32(bytes, start + 1) === end - start - prefixBytes;
}

/** One call as the client sees it. Its connection moves it. */
export class ClientCall<Response = unknown> {
  readonly method: Method;
  readonly #listener: CallListener<Response>;
  stream: Stream<ClientCall> | undefined;
  /** Of the deadline. */
  timer: Timer | undefined;
  over = false;
  #reader: MessageReader | undefined;
  #head: HeaderBlock | undefined;

  constructor(method: Method, listener: CallListener<Response>) {
    this.method = method;
    this.#listener = listener;
  }

  headers(block: HeaderBlock, endStream: boolean): void {
    const isHead = this.#head === undefined;
    this.#head ??= block;
    const contentType = this.#head.get("content-type") ?? "";
    if (isHead && (block.status !== "200" || !contentType.startsWith("application/grpc"))) {
      const status = readStatus(block);
      const message = status?.message ?? `the server answered HTTP ${block.status} with ${contentType || "no content"}`;
      this.end(status?.code ?? statusOfHttp(block.status), message);
      return;
    }
    if (!endStream) return;
    const status = readStatus(block);
    if (status === undefined) this.end(Status.Unknown, "the server ended the call without a status");
    else this.end(status.code, status.message);
  }

  data(bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    if (this.over) return;
    if (this.#reader === undefined && isOneMessage(bytes, start, end)) this.#message(bytes, start + prefixBytes, end);
    else if (end > start) this.#receivePart(bytes, start, end);
    if (endStream) this.end(Status.Unknown, "the server ended the call without trailers");
  }

  #receivePart(bytes: Uint8Array, start: number, end: number): void {
    this.#reader ??= new MessageReader(maxResponseBytes);
    const reader = this.#reader;
    reader.add(bytes, start, end);
    while (!this.over && this.#read(() => reader.next()) === true)
      this.#message(reader.bytes, reader.start, reader.end);
  }

  #message(bytes: Uint8Array, start: number, end: number): void {
    const response = this.#read(() => this.method.response.decodeRange(bytes, start, end) as Response);
    if (response !== undefined) this.#listener.message(response);
  }

  /** A response that came another way than over HTTP/2. */
  deliver(response: Response): void {
    if (!this.over) this.#listener.message(response);
  }

  /** Reads what the server sent; if that cannot be, the call ends. Listeners are not called in here: what they throw is
   * theirs. */
  #read<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      const code = error instanceof RpcError ? error.code : Status.Internal;
      this.end(code, `a response cannot be read: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** The stream was reset, or the connection is gone. */
  abort(code: ErrorCode, why: string): void {
    if (code === ErrorCode.REFUSED_STREAM) this.end(Status.Unavailable, "the server refused the stream", true);
    else if (code === ErrorCode.ENHANCE_YOUR_CALM) this.end(Status.ResourceExhausted, why);
    else if (code === ErrorCode.NO_ERROR || code === ErrorCode.CANCEL) this.end(Status.Unavailable, why);
    else this.end(Status.Internal, `${why} (HTTP/2 error ${code})`);
  }

  end(code: Status | number, message: string, unprocessed = false): void {
    if (this.over) return;
    this.over = true;
    this.timer?.cancel();
    this.#listener.end({ code, message, unprocessed });
  }
}
