import type { Server as HttpServer } from "node:http";
import type { Socket } from "node:net";
import type { Clock, Log } from "../../../base/mod.ts";
import {
  Connection,
  type ConnectionError,
  type ConnectionEvents,
  ErrorCode,
  errorTrailers,
  type HeaderBlock,
  okTrailers,
  RepeatedHeaders,
  responseHeaders,
  Status,
  type Stream,
} from "../../../proto/mod.ts";
import { type CallHost, ServerCall } from "./call.ts";
import { type ForwardedRequest, forwardRequest } from "./forward.ts";
import { Keepalive } from "./keepalive.ts";
import { type RequestHead, type Routes, readHead } from "./route.ts";
import type { Call, CallObserver, KeepaliveOptions, Peer } from "./types.ts";

/** What the connections of a server share. */
export interface ServerContext {
  readonly routes: Routes;
  readonly beforeCall: ((call: Call) => void) | undefined;
  readonly observer: CallObserver | undefined;
  readonly maxRequestBytes: number;
  readonly maxConcurrentStreams: number;
  readonly keepalive: Required<KeepaliveOptions>;
  readonly http1: HttpServer;
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: { activeCalls: number; totalCalls: number; receivedBytes: number; sentBytes: number };
  /** Has `flush` called at the end of this turn of the event loop. */
  scheduleFlush(connection: ServerConnection): void;
}

/** Deadlines are rounded up to this: they are rarely reached, and timers of few different lengths are cheap. */
const deadlineGrainMs = 50;
const noBytes = new Uint8Array(0);

/** Ties the HTTP/2 state machine to a socket, and streams to calls. */
export class ServerConnection implements ConnectionEvents<ServerCall>, CallHost {
  readonly http2: Connection<ServerCall>;
  readonly peer: Peer;
  readonly maxRequestBytes: number;
  readonly observer: CallObserver | undefined;
  /** In the server's list of connections to flush. */
  flushScheduled = false;
  readonly #context: ServerContext;
  readonly #socket: Socket;
  readonly #keepalive: Keepalive;
  readonly #responseHeaders = new RepeatedHeaders(responseHeaders);
  readonly #okTrailers = new RepeatedHeaders(okTrailers);
  /** Requests that are not gRPC, on their way through the HTTP/1.1 handler. */
  readonly #forwarded = new Map<Stream<ServerCall>, ForwardedRequest>();
  /** Calls of this turn whose client gave a deadline: most are over before it would be armed. */
  #unarmed: ServerCall[] = [];
  /** The client goes: no new calls are to come. */
  #abandoned = false;

  constructor(context: ServerContext, socket: Socket, peer: Peer) {
    this.#context = context;
    this.#socket = socket;
    this.peer = peer;
    this.maxRequestBytes = context.maxRequestBytes;
    this.observer = context.observer;
    this.http2 = new Connection<ServerCall>(
      { role: "server", maxConcurrentStreams: context.maxConcurrentStreams },
      this,
    );
    this.#keepalive = new Keepalive(context.clock, context.keepalive, {
      ping: (payload) => this.http2.ping(payload),
      refuse: (why) => this.http2.fail(ErrorCode.ENHANCE_YOUR_CALM, why),
      dead: () => socket.destroy(),
    });
    socket.on("data", (chunk: Uint8Array) => this.receive(chunk));
    socket.on("drain", () => this.#drained());
    socket.on("error", (error) =>
      context.log("debug", "connection failed", { peer: peer.address, error: error.message }),
    );
    socket.on("close", () => this.#closed());
    context.scheduleFlush(this);
  }

  receive(chunk: Uint8Array): void {
    this.#context.counters.receivedBytes += chunk.length;
    this.#keepalive.received();
    this.http2.receive(chunk, this.#context.clock.monotonic());
  }

  /** Writes what has gathered. */
  flush(): void {
    this.flushScheduled = false;
    if (this.#unarmed.length > 0) this.#armDeadlines();
    if (this.#socket.destroyed) return;
    this.http2.flush((bytes) => {
      this.#context.counters.sentBytes += bytes.length;
      if (!this.#socket.write(bytes)) {
        // Whoever does not read is not read from either: answers would only pile up.
        this.http2.setWritable(false);
        this.#socket.pause();
      }
      return this.#socket.writableLength === 0;
    });
    const { http2 } = this;
    const over = (this.#abandoned && http2.streamCount === 0) || http2.drained;
    if (http2.failed || (over && http2.output.length === 0)) this.#socket.end();
  }

  /** Sends the client elsewhere; the connection closes when its last call ends. */
  drain(): void {
    this.http2.drain();
    this.#context.scheduleFlush(this);
  }

  destroy(): void {
    this.http2.fail(ErrorCode.NO_ERROR, "server stopped");
    this.flush();
    this.#socket.destroy();
  }

  #drained(): void {
    this.#socket.resume();
    this.http2.setWritable(true);
  }

  #closed(): void {
    this.#keepalive.stop();
    this.http2.disconnected();
  }

  // Events of the connection.

  onHeaders(stream: Stream<ServerCall>, block: HeaderBlock, endStream: boolean): void {
    // Trailers of a request mean nothing to gRPC, but for the end they bring.
    if (!stream.headersReceived) this.#openStream(stream, block);
    if (endStream) this.onData(stream, noBytes, 0, 0, true);
  }

  onData(stream: Stream<ServerCall>, bytes: Uint8Array, start: number, end: number, endStream: boolean): void {
    if (stream.owner !== undefined) stream.owner.receive(bytes, start, end, endStream);
    else this.#forwarded.get(stream)?.receive(bytes.slice(start, end), endStream);
  }

  onAbort(stream: Stream<ServerCall>): void {
    stream.owner?.cancel();
    this.#forwarded.get(stream)?.abort();
    this.#forwarded.delete(stream);
  }

  onDrain(stream: Stream<ServerCall>): void {
    stream.owner?.drained();
    this.#forwarded.get(stream)?.resume();
  }

  onOutput(): void {
    this.#context.scheduleFlush(this);
  }

  onPing(): void {
    this.#keepalive.pinged(this.http2.messageFrames);
  }

  onPong(): void {
    // Anything received counts as a sign of life.
  }

  onSettings(): void {
    // The connection has taken note.
  }

  onGoaway(): void {
    this.#abandoned = true;
  }

  onError(error: ConnectionError): void {
    this.#context.log("debug", "connection refused", { peer: this.peer.address, error: error.message });
  }

  // For calls.

  nowMs(): number {
    return this.#context.clock.monotonic();
  }

  sendResponseHeaders(stream: Stream<ServerCall>): void {
    this.http2.sendHeaders(stream, this.#responseHeaders, false);
  }

  endWithOk(stream: Stream<ServerCall>): void {
    this.http2.end(stream, this.#okTrailers);
  }

  handlerFailed(call: ServerCall, error: unknown): void {
    this.#context.log("error", "handler failed", {
      method: call.method.path,
      error: error instanceof Error ? error.stack : error,
    });
  }

  callEnded(): void {
    this.#context.counters.activeCalls--;
  }

  #openStream(stream: Stream<ServerCall>, block: HeaderBlock): void {
    const head = readHead(block, this.#context.routes);
    if (head.isGrpc) this.#startCall(stream, head);
    else this.#forward(stream, block);
  }

  #startCall(stream: Stream<ServerCall>, head: RequestHead): void {
    const { counters, beforeCall } = this.#context;
    const { route, encoding } = head;
    if (route?.handler === undefined || encoding !== undefined) {
      this.#refuse(
        stream,
        encoding === undefined ? unimplemented(head.path, this.#context.routes) : noDecoder(encoding),
      );
      return;
    }
    const call = new ServerCall(this, stream, head, route);
    stream.owner = call;
    counters.activeCalls++;
    counters.totalCalls++;
    if (beforeCall !== undefined) call.guard(() => beforeCall(call));
    call.start();
    if (head.timeoutMs === undefined || call.over) return;
    this.#unarmed.push(call);
    this.#context.scheduleFlush(this);
  }

  #refuse(stream: Stream<ServerCall>, message: string): void {
    const head = [...responseHeaders, ...errorTrailers(Status.Unimplemented, message)];
    this.http2.sendHeaders(stream, head, true);
  }

  #armDeadlines(): void {
    const calls = this.#unarmed;
    this.#unarmed = [];
    for (const call of calls) {
      if (call.over || call.timeoutMs === undefined) continue;
      const rounded = Math.ceil(call.timeoutMs / deadlineGrainMs) * deadlineGrainMs;
      call.timer = this.#context.clock.after(Math.min(rounded, 2 ** 31 - 1), () => call.expire());
    }
  }

  #forward(stream: Stream<ServerCall>, block: HeaderBlock): void {
    const forwarded = forwardRequest(this.#context.http1, block, this.peer, {
      head: (headers) => this.http2.sendHeaders(stream, headers, false),
      body: (chunk) => this.http2.sendData(stream, chunk),
      end: () => {
        this.#forwarded.delete(stream);
        this.http2.end(stream);
      },
      abort: () => {
        this.#forwarded.delete(stream);
        this.http2.reset(stream, ErrorCode.INTERNAL_ERROR);
      },
    });
    this.#forwarded.set(stream, forwarded);
  }
}

/** In the words of grpc-go, from which clients tell what a server lacks. */
function unimplemented(path: string, routes: Routes): string {
  const [, service = "", method = ""] = path.split("/");
  const known = [...routes.keys()].some((key) => key.startsWith(`/${service}/`));
  return known ? `unknown method ${method} for service ${service}` : `unknown service ${service}`;
}

function noDecoder(encoding: string): string {
  return `grpc: Decompressor is not installed for grpc-encoding "${encoding}"`;
}
