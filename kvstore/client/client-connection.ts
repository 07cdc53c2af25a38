import type { Socket } from "node:net";
import type { Timer } from "../../base/mod.ts";
import {
  Connection,
  type ConnectionEvents,
  ErrorCode,
  formatTimeout,
  type HeaderBlock,
  type Init,
  type Method,
  type OutgoingHeader,
  RepeatedHeaders,
  Status,
  type Stream,
  sendMessage,
} from "../../proto/mod.ts";
import { type CallListener, ClientCall } from "./call.ts";
import type { CallConnection, ConnectionSettings } from "./connection.ts";
import { dial, type Endpoint } from "./endpoint.ts";

interface WaitingCall {
  readonly call: ClientCall;
  readonly request: Init<unknown> | undefined;
  readonly timeoutMs: number | undefined;
}

const ping = new Uint8Array(8);

/** The connection over a socket. Calls that are started early wait for it. */
export class ClientConnection implements CallConnection, ConnectionEvents<ClientCall> {
  readonly endpoint: Endpoint;
  readonly #settings: ConnectionSettings;
  readonly #http2: Connection<ClientCall>;
  readonly #socket: Socket;
  readonly #opened = Promise.withResolvers<void>();
  #state: "dialling" | "open" | "closed" = "dialling";
  #why = "the connection was closed";
  #timer: Timer;
  #heardMs = 0;
  #flushScheduled = false;
  #retired = false;
  /** Calls beyond what the server takes at once. */
  #waiting: WaitingCall[] = [];
  /** Heads by method; valid for `#headMetadata`. */
  readonly #heads = new Map<Method, RepeatedHeaders>();
  #headMetadata: readonly OutgoingHeader[] = [];

  constructor(endpoint: Endpoint, settings: ConnectionSettings) {
    this.endpoint = endpoint;
    this.#settings = settings;
    this.#http2 = new Connection<ClientCall>({ role: "client", streamWindowBytes: 1 << 22 }, this);
    this.#opened.promise.catch(() => undefined); // nobody may be waiting
    this.#timer = settings.clock.after(settings.dialTimeoutMs, () => this.close("dialling timed out"));
    this.#socket = dial(endpoint, settings.tls, () => this.#scheduleFlush());
    this.#socket.on("data", (chunk: Uint8Array) => {
      this.#heardMs = settings.clock.monotonic();
      this.#http2.receive(chunk, this.#heardMs);
    });
    this.#socket.on("drain", () => this.#http2.setWritable(true));
    this.#socket.on("error", (error) => {
      this.#why = error.message;
    });
    this.#socket.on("close", () => this.#closed());
  }

  /** Settles when the server has spoken HTTP/2; rejects if it does not come to that. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Takes new calls. */
  get usable(): boolean {
    return this.#state === "open" && !this.#retired && !this.#http2.goneAway && !this.#http2.failed;
  }

  /** Takes new calls, or may come to that. */
  get alive(): boolean {
    return this.#state === "dialling" || this.usable;
  }

  /** Why it is no longer. */
  get failure(): string {
    return this.#why;
  }

  /** Starts a call and sends its first request; a unary call has but one. The listener is never called before this returns. */
  start<Request, Response>(
    method: Method<Request, Response>,
    request: Init<Request> | undefined,
    listener: CallListener<Response>,
    timeoutMs?: number,
  ): ClientCall<Response> {
    const call = new ClientCall<Response>(method as Method, listener);
    if (this.#http2.canOpen) this.#open(call as ClientCall, request, timeoutMs);
    else this.#waiting.push({ call: call as ClientCall, request, timeoutMs });
    if (timeoutMs !== undefined) {
      call.timer = this.#settings.clock.after(timeoutMs, () => {
        this.#reset(call as ClientCall);
        call.end(Status.DeadlineExceeded, "context deadline exceeded");
      });
    }
    return call;
  }

  /** Sends one more message. Only for bidi calls. */
  send(call: ClientCall, request: Init<unknown>): void {
    if (call.over || call.stream === undefined) return;
    const schema = call.method.request;
    sendMessage(this.#http2, call.stream, schema, request, schema.size(request), false);
  }

  /** Ends a call from this side; its listener hears nothing more. */
  cancel(call: ClientCall): void {
    if (call.over) return;
    call.over = true;
    call.timer?.cancel();
    this.#reset(call);
  }

  close(why: string): void {
    if (this.#state === "closed") return;
    this.#why = why;
    this.#http2.fail(ErrorCode.NO_ERROR, "");
    this.#flush();
    this.#socket.destroy();
  }

  /** No new calls; closes once those in progress are over. */
  retire(): void {
    this.#retired = true;
    this.#scheduleFlush();
  }

  #open(call: ClientCall, request: Init<unknown> | undefined, timeoutMs: number | undefined): void {
    if (call.over) return;
    const bidi = call.method.kind === "bidi";
    const schema = call.method.request;
    const head = timeoutMs === undefined ? this.#head(call.method) : this.#headWith(call.method, timeoutMs);
    let size = 0;
    if (request !== undefined) {
      try {
        size = schema.size(request);
      } catch (error) {
        queueMicrotask(() => call.end(Status.InvalidArgument, (error as Error).message, true));
        return;
      }
    }
    call.stream = this.#http2.open(head, false, call);
    if (request !== undefined) sendMessage(this.#http2, call.stream, schema, request, size, !bidi);
  }

  #next(): void {
    while (this.#waiting.length > 0 && this.#http2.canOpen) {
      const { call, request, timeoutMs } = this.#waiting.shift() as WaitingCall;
      this.#open(call, request, timeoutMs);
    }
  }

  #head(method: Method): RepeatedHeaders {
    const metadata = this.#settings.metadata();
    if (metadata !== this.#headMetadata) {
      this.#heads.clear();
      this.#headMetadata = metadata;
    }
    let head = this.#heads.get(method);
    if (head === undefined) {
      head = new RepeatedHeaders([...requestHeaders(this.endpoint, method), ...metadata]);
      this.#heads.set(method, head);
    }
    return head;
  }

  #headWith(method: Method, timeoutMs: number): OutgoingHeader[] {
    return [...this.#head(method).headers, { name: "grpc-timeout", value: formatTimeout(timeoutMs), varies: true }];
  }

  #reset(call: ClientCall): void {
    if (call.stream !== undefined) this.#http2.reset(call.stream, ErrorCode.CANCEL);
    this.#next();
  }

  // The socket.

  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#flushScheduled = false;
    if (this.#socket.destroyed || this.#socket.connecting) return;
    this.#http2.flush((bytes) => {
      if (!this.#socket.write(bytes)) this.#http2.setWritable(false);
      return this.#socket.writableLength === 0;
    });
    if (this.#http2.failed) this.#socket.destroy();
    else if ((this.#http2.goneAway || this.#retired) && this.#http2.streamCount === 0) this.close("no longer used");
  }

  #closed(): void {
    this.#state = "closed";
    this.#timer.cancel();
    this.#opened.reject(new Error(this.#why));
    this.#http2.disconnected();
    this.#turnAway();
  }

  /** Calls that never left can be made elsewhere. */
  #turnAway(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { call } of waiting) call.end(Status.Unavailable, this.#why, true);
  }

  /** While calls are in progress, silence is answered with a ping, and lasting silence with the end. A server tolerates no
   * pings on a connection without calls. */
  #watchOver(): void {
    const { clock, keepaliveMs, keepaliveTimeoutMs } = this.#settings;
    const silentMs = clock.monotonic() - this.#heardMs;
    if (silentMs < keepaliveMs || this.#http2.streamCount === 0) {
      const inMs = this.#http2.streamCount === 0 ? keepaliveMs : keepaliveMs - silentMs;
      this.#timer = clock.after(inMs, () => this.#watchOver());
      return;
    }
    const askedMs = clock.monotonic();
    this.#http2.ping(ping);
    this.#timer = clock.after(keepaliveTimeoutMs, () => {
      if (this.#heardMs < askedMs) this.close(`no answer within ${keepaliveTimeoutMs} ms`);
      else this.#watchOver();
    });
  }

  // Events.

  onHeaders(stream: Stream<ClientCall>, block: HeaderBlock, endStream: boolean): void {
    stream.owner?.headers(block, endStream);
    this.#afterCall(stream);
  }

  onData(stream: Stream<ClientCall>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    stream.owner?.data(bytes, start, end, endStream);
    this.#afterCall(stream);
  }

  onAbort(stream: Stream<ClientCall>, code: ErrorCode): void {
    stream.owner?.abort(code, this.#why);
    this.#next();
  }

  onSettings(): void {
    if (this.#state === "dialling") {
      this.#state = "open";
      this.#timer.cancel();
      this.#watchOver();
      this.#opened.resolve();
    }
    this.#next();
  }

  onGoaway(code: ErrorCode, debug: string): void {
    if (code !== ErrorCode.NO_ERROR) this.#why = `the server ended the connection: ${debug || code}`;
    this.#settings.log("debug", "server is going away", { endpoint: this.endpoint.name, code, debug });
    this.#turnAway();
    this.#scheduleFlush();
  }

  onError(error: Error): void {
    this.#why = `the server broke the protocol: ${error.message}`;
  }

  onOutput(): void {
    this.#scheduleFlush();
  }

  onDrain(): void {
    // Requests are small, and their senders do not wait.
  }

  onPing(): void {
    // Answered by the connection.
  }

  onPong(): void {
    // Anything received counts as a sign of life.
  }

  /** A call that ended before its stream did is of no more use to either side. */
  #afterCall(stream: Stream<ClientCall>): void {
    if (stream.owner?.over !== true) return;
    if (!stream.remoteClosed || !stream.localClosed) this.#http2.reset(stream, ErrorCode.CANCEL);
    this.#next();
    if (this.#http2.goneAway || this.#retired) this.#scheduleFlush();
  }
}

function requestHeaders(endpoint: Endpoint, method: Method): OutgoingHeader[] {
  return [
    { name: ":method", value: "POST" },
    { name: ":scheme", value: endpoint.encrypted ? "https" : "http" },
    { name: ":path", value: method.path },
    { name: ":authority", value: endpoint.authority },
    { name: "content-type", value: "application/grpc" },
    { name: "te", value: "trailers" },
    { name: "user-agent", value: "flotilla" },
  ];
}
