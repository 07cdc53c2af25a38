import type { Timer } from "../../../base/mod.ts";
import {
  type Connection,
  errorTrailers,
  type Init,
  MessageReader,
  type Method,
  prefixBytes,
  RpcError,
  readPrefix,
  responseHeaders,
  Status,
  type Stream,
  sendMessage,
  sendPieces,
  unfinishedMessage,
  WireError,
  writePrefix,
} from "../../../proto/mod.ts";
import type { RequestHead, Route } from "./route.ts";
import type {
  BidiCall,
  BidiHandler,
  CallObserver,
  EndedCall,
  Peer,
  Receiver,
  UnaryCall,
  UnaryHandler,
} from "./types.ts";

/** In one request, which is read in one turn of the event loop: some 20 ms. A transaction has two or three for each operation. */
const mostMessages = 100_000;

/** What a call needs of its connection. */
export interface CallHost {
  readonly http2: Connection<ServerCall>;
  readonly peer: Peer;
  readonly maxRequestBytes: number;
  readonly observer: CallObserver | undefined;
  nowMs(): number;
  sendResponseHeaders(stream: Stream<ServerCall>): void;
  endWithOk(stream: Stream<ServerCall>): void;
  /** A handler failed in a way that no client should cause. */
  handlerFailed(call: ServerCall, error: unknown): void;
  callEnded(call: ServerCall): void;
}

/** One call of any kind. There is one class, and no closures, since there is one of these per request. */
export class ServerCall implements UnaryCall<unknown>, BidiCall<unknown>, EndedCall {
  cancelled = false;
  onCancel: (() => void) | undefined;
  onDrain: (() => void) | undefined;
  /** Of the deadline; armed by the connection. */
  timer: Timer | undefined;
  readonly #host: CallHost;
  readonly #stream: Stream<ServerCall>;
  readonly #head: RequestHead;
  #headersSent = false;
  /** Answered, or cancelled: nothing more is sent. */
  #over = false;
  /** Only for requests that do not come in one piece. */
  #reader: MessageReader | undefined;
  #receiver: Receiver<unknown> | undefined;
  #request: unknown;
  // For an observer alone.
  startedMs = 0;
  request: unknown;
  response: unknown;

  readonly #route: Route;

  constructor(host: CallHost, stream: Stream<ServerCall>, head: RequestHead, route: Route) {
    this.#host = host;
    this.#stream = stream;
    this.#head = head;
    this.#route = route;
    route.counters.started++;
    if (host.observer !== undefined) this.startedMs = host.nowMs();
  }

  get method(): Method {
    return this.#route.method;
  }

  get peer(): Peer {
    return this.#host.peer;
  }

  get timeoutMs(): number | undefined {
    return this.#head.timeoutMs;
  }

  get bufferedBytes(): number {
    return this.#stream.queuedBytes;
  }

  get over(): boolean {
    return this.#over;
  }

  metadata(key: string): string | undefined {
    for (const { name, value } of this.#head.fields) if (name === key) return value;
    return undefined;
  }

  // Answers.

  reply(message: Init<unknown>): void {
    if (this.#over) return;
    if (this.#host.observer !== undefined) this.response = message;
    this.#send(message);
    this.end();
  }

  replyInParts(bytes: number, parts: Iterator<Init<unknown>>): void {
    if (this.#over) return;
    this.#sendHead();
    const prefix = new Uint8Array(prefixBytes);
    writePrefix(prefix, 0, bytes);
    this.#host.http2.sendData(this.#stream, prefix);
    this.onDrain = () => this.#sendParts(parts);
    this.#sendParts(parts);
  }

  #sendParts(parts: Iterator<Init<unknown>>): void {
    for (let keepsUp = true; keepsUp && !this.#over; ) {
      const { done, value } = parts.next();
      if (done) this.end();
      else keepsUp = this.#host.http2.sendData(this.#stream, this.method.response.encode(value));
    }
  }

  writePieces(pieces: readonly Uint8Array[]): boolean {
    if (this.#over) return true;
    this.#sendHead();
    return sendPieces(this.#host.http2, this.#stream, pieces);
  }

  write(message: Init<unknown>): boolean {
    return this.#over || this.#send(message);
  }

  end(): void {
    if (this.#over) return;
    this.#finish(Status.OK);
    if (!this.#headersSent) this.#host.sendResponseHeaders(this.#stream);
    this.#host.endWithOk(this.#stream);
  }

  fail(code: Status, message: string): void {
    if (this.#over) return;
    this.#finish(code);
    const trailers = errorTrailers(code, message);
    if (this.#headersSent) this.#host.http2.end(this.#stream, trailers);
    else {
      this.#host.http2.sendHeaders(this.#stream, [...responseHeaders, ...trailers], true);
    }
  }

  pause(): void {
    this.#host.http2.pause(this.#stream);
  }

  resume(): void {
    this.#host.http2.resume(this.#stream);
  }

  #send(message: Init<unknown>): boolean {
    const { response } = this.method;
    // Sizing finds what cannot be encoded, before anything is sent.
    const size = response.size(message);
    this.#sendHead();
    return sendMessage(this.#host.http2, this.#stream, response, message, size, false);
  }

  /** Before a message. */
  #sendHead(): void {
    this.#route.counters.sent++;
    if (this.#headersSent) return;
    this.#headersSent = true;
    this.#host.sendResponseHeaders(this.#stream);
  }

  #finish(code: Status): void {
    this.#over = true;
    this.onCancel = undefined;
    this.onDrain = undefined;
    this.timer?.cancel();
    this.#route.counters.handled[code]!++;
    const { observer } = this.#host;
    if (observer !== undefined) observer.ended(this, code, this.#host.nowMs() - this.startedMs);
    this.#host.callEnded(this);
  }

  // What happens to the call.

  /** Runs a handler's code: what it throws is the answer. */
  guard(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.failWith(error);
    }
  }

  failWith(error: unknown): void {
    if (error instanceof RpcError) this.fail(error.code, error.message);
    else {
      this.#host.handlerFailed(this, error);
      this.fail(Status.Unknown, error instanceof Error ? error.message : String(error));
    }
  }

  /** A bidi handler starts with the call, the others when they have their request. */
  start(): void {
    if (this.#over || this.method.kind !== "bidi") return;
    this.guard(() => {
      this.#receiver = (this.#route.handler as BidiHandler<unknown, unknown>)(this);
    });
  }

  /** Payload of the request in `bytes[start..end)`. */
  receive(bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    if (this.#over) return;
    try {
      if (this.#reader === undefined && this.#isOneMessage(bytes, start, end))
        this.#message(bytes, start + prefixBytes, end);
      else if (end > start) this.#receivePart(bytes, start, end);
      if (endStream && !this.#over) this.#receivedAll();
    } catch (error) {
      this.failWith(error);
    }
  }

  #isOneMessage(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start < prefixBytes) return false;
    return readPrefix(bytes, start, this.#host.maxRequestBytes) === end - start - prefixBytes;
  }

  #receivePart(bytes: Uint8Array, start: number, end: number): void {
    this.#reader ??= new MessageReader(this.#host.maxRequestBytes);
    this.#reader.add(bytes, start, end);
    while (!this.#over && this.#reader.next()) this.#message(this.#reader.bytes, this.#reader.start, this.#reader.end);
  }

  #message(bytes: Uint8Array, start: number, end: number): void {
    const request = this.#decode(bytes, start, end);
    this.#route.counters.received++;
    if (this.#host.observer !== undefined) this.request ??= request;
    if (this.#receiver !== undefined) this.#receiver.message(request);
    else if (this.#request === undefined) this.#request = request;
    else throw new RpcError(Status.Internal, `${this.method.path} takes one request message`);
  }

  #decode(bytes: Uint8Array, start: number, end: number): unknown {
    try {
      return this.method.request.decodeRange(bytes, start, end, mostMessages);
    } catch (cause) {
      const isTooLarge = cause instanceof WireError && cause.code === "TooMany";
      throw new RpcError(
        isTooLarge ? Status.ResourceExhausted : Status.Internal,
        `grpc: error unmarshalling request: ${(cause as Error).message}`,
      );
    }
  }

  #receivedAll(): void {
    if (this.#reader?.idle === false) throw unfinishedMessage();
    if (this.#receiver !== undefined) {
      this.#receiver.end();
      return;
    }
    if (this.#request === undefined) throw new RpcError(Status.Internal, `${this.method.path} takes a request message`);
    const request = this.#request;
    this.#request = undefined;
    const pending = (this.#route.handler as UnaryHandler<unknown, unknown>)(request, this);
    if (pending !== undefined) pending.then(undefined, (error: unknown) => this.failWith(error));
  }

  drained(): void {
    const { onDrain } = this;
    if (onDrain !== undefined) this.guard(onDrain);
  }

  /** No answer can be delivered any more. */
  cancel(): void {
    if (this.#over) return;
    const { onCancel } = this;
    this.cancelled = true;
    this.#finish(Status.Canceled);
    if (onCancel === undefined) return;
    try {
      onCancel();
    } catch (error) {
      this.#host.handlerFailed(this, error);
    }
  }

  /** The client's time is over: it is told, though it most likely knows, and the handler learns that nobody waits. */
  expire(): void {
    if (this.#over) return;
    const { onCancel } = this;
    this.fail(Status.DeadlineExceeded, "context deadline exceeded");
    this.cancelled = true;
    if (onCancel !== undefined) this.guard(onCancel);
  }
}
