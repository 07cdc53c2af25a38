import type { IncomingMessage, RequestListener } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock, Log } from "../../../base/mod.ts";
import type { Init, Method, Service, Status } from "../../../proto/mod.ts";
import type { TlsOptions } from "../../tls/mod.ts";

export type { TlsOptions };

import type { Caller, CallListener, OutgoingCall } from "./local-call.ts";
import type { MethodCounters } from "./route.ts";

/** Who is at the other end of a connection. */
export interface Peer {
  /** `127.0.0.1:40312`, or the path of a unix socket. */
  readonly address: string;
  readonly encrypted: boolean;
  /** Of the client's certificate, if it presented one that the listener's CA signed. */
  readonly certificate: PeerCertificate | undefined;
}

export interface PeerCertificate {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** The certificate itself, in DER. */
  readonly raw: Uint8Array;
}

/** What every handler knows about the call it answers. One object per call, valid until the call is over. */
export interface Call {
  readonly method: Method;
  readonly peer: Peer;
  /** First value of a metadata key (lower case), such as `token` or `hasleader`. Binary (`-bin`) values are base64. */
  metadata(key: string): string | undefined;
  /** Milliseconds the client gave at the start of the call. The adapter itself answers DeadlineExceeded when they are
   * over; then the call is cancelled. */
  readonly timeoutMs: number | undefined;
  /** No answer can be delivered any more: the client has cancelled, its time is over, or the connection is gone.
   * Answering is still allowed and does nothing. */
  readonly cancelled: boolean;
  /** Called at most once, when `cancelled` becomes true. Never called for a call that was answered. */
  onCancel: (() => void) | undefined;
  /** Ends the call with an error. After the first `fail`, `reply` or `end`, later ones do nothing. */
  fail(code: Status, message: string): void;
}

export interface UnaryCall<Response> extends Call {
  /** The answer: now, inside the handler (the quickest way), or at any later time. The message is encoded before this
   * returns, so the caller may reuse what it is made of. */
  reply(message: Init<Response>): void;
  /** As `reply`, of a message too large for one turn of the event loop: the encodings of `parts`, one after the other, are its
   * encoding, and have `bytes` bytes together. The next part is asked for when the client has taken most of those before. */
  replyInParts(bytes: number, parts: Iterator<Init<Response>>): void;
}

/** A call that answers with any number of messages. */
export interface StreamCall<Response> extends Call {
  /** Sends a message, in order. False: the client does not keep up, `bufferedBytes` passed the high-water mark (64 KiB),
   * and whoever can wait should wait for `onDrain`. Nothing is lost by going on, except memory. */
  write(message: Init<Response>): boolean;
  /** As `write`, of a message whose encoding is that of the pieces, one after the other, which must not change: many calls may
   * send the same ones. */
  writePieces(pieces: readonly Uint8Array[]): boolean;
  /** Encoded but not yet given to the socket, for lack of flow-control window or because the socket is full. */
  readonly bufferedBytes: number;
  /** Called each time `bufferedBytes` falls back below the mark after `write` returned false. */
  onDrain: (() => void) | undefined;
  /** Ends with status OK once everything written is sent. */
  end(): void;
}

/** A stream call whose client sends many messages as well. */
export interface BidiCall<Response> extends StreamCall<Response> {
  /** After `pause`, messages wait at the client (by flow control) until `resume`; a few may be buffered here. */
  pause(): void;
  resume(): void;
}

/** What a bidi handler does with the client's messages. */
export interface Receiver<Request> {
  message(request: Request): void;
  /** The client sends no more, but still listens. Not called after a cancellation. */
  end(): void;
}

/**
 * Handlers answer through the call. What one throws (or its promise rejects with) becomes the call's error: an
 * `RpcError` with its code and text, anything else as Unknown with the error's message, and in the log.
 *
 * Bytes inside a request are views of the connection's input buffer: whoever keeps them beyond the call copies them
 * (a kept view keeps up to 64 KiB alive).
 */
export type UnaryHandler<Request, Response> = (request: Request, call: UnaryCall<Response>) => void | Promise<void>;
export type ServerStreamHandler<Request, Response> = (
  request: Request,
  call: StreamCall<Response>,
) => void | Promise<void>;
export type BidiHandler<Request, Response> = (call: BidiCall<Response>) => Receiver<Request>;

export type HandlerOf<M> =
  M extends Method<infer Request, infer Response, infer Kind>
    ? Kind extends "unary"
      ? UnaryHandler<Request, Response>
      : Kind extends "serverStream"
        ? ServerStreamHandler<Request, Response>
        : BidiHandler<Request, Response>
    : never;

/** A handler for each method of a service; a method without one answers Unimplemented. */
export type Handlers<S extends Service<unknown>> = { readonly [K in keyof S["methods"]]?: HandlerOf<S["methods"][K]> };

/** Made by `implement(KVService, { range(request, call) { … } })`. */
export interface Implementation {
  readonly service: Service;
  readonly handlers: Readonly<Record<string, unknown>>;
}

/** A call that is over, as it is told to an observer. Valid only while it is told. */
export interface EndedCall extends Call {
  /** On the clock of the server (monotonic). */
  readonly startedMs: number;
  /** Of a call with one request; the first of others. */
  readonly request: unknown;
  /** Of a call with one answer. */
  readonly response: unknown;
}

export interface CallObserver {
  /** After each call, on the hot path. */
  ended(call: EndedCall, code: Status, tookMs: number): void;
}

export interface GrpcServerOptions {
  readonly services: readonly Implementation[];
  /** Runs before the handler of every call; what it throws is the answer. For checks that concern all methods. */
  readonly beforeCall?: (call: Call) => void;
  /** Without one, calls do not keep their requests and answers, nor look at the clock. */
  readonly observer?: CallObserver;
  /** Answers HTTP/1.1 requests that arrive on the same port; without it they get 404. */
  readonly http1?: RequestListener;
  /** Takes over HTTP/1.1 connections that ask to become something else, such as a WebSocket. */
  readonly upgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** Largest request message, in bytes; etcd's is 1.5 MiB + 512 KiB. A larger one is answered with ResourceExhausted. */
  readonly maxRequestBytes?: number;
  /** Calls in progress per connection; 2^32 - 1 if not given, as in etcd. */
  readonly maxConcurrentStreams?: number;
  readonly keepalive?: KeepaliveOptions;
  readonly clock: Clock;
  readonly log: Log;
}

export interface KeepaliveOptions {
  /** Pings of a client that come quicker than this, three times, get GOAWAY `too_many_pings`. Default 5 s. */
  readonly minTimeMs?: number;
  /** The server pings a connection that was silent for this long. Default 2 h; 0: never. */
  readonly intervalMs?: number;
  /** A ping unanswered for this long closes the connection. Default 20 s; 0: there are no pings. */
  readonly timeoutMs?: number;
}

export type ListenAddress = (
  | { readonly host: string; readonly port: number; readonly reusePort?: boolean }
  | { readonly path: string }
) & { readonly tls?: TlsOptions };

export interface GrpcServer {
  /** Listens at one more address; one server may listen at many. Rejects if the address cannot be used. */
  listen(address: ListenAddress): Promise<Listening>;
  /** Connections open now, calls in progress now, and totals since the start. */
  readonly stats: ServerStats;
  /** By path. */
  readonly methods: ReadonlyMap<string, MethodStats>;
  /** Calls a method from within the process, checked like any other call; counted and observed unless it is part of another
   * call. Throws an `RpcError` when there is no such method. */
  call(path: string, caller: Caller, listener: CallListener, counted?: boolean): OutgoingCall;
  /** No new connections, GOAWAY to all clients, calls in progress may end within `graceMs` (default 0), then all is
   * closed. Long-lived streams should be ended by their handlers' owner before or during the grace. */
  stop(graceMs?: number): Promise<void>;
}

export interface Listening {
  /** The port in use (0 for a unix socket): the one to tell clients if `port` was 0. */
  readonly port: number;
  close(): Promise<void>;
}

export interface MethodStats {
  readonly method: Method;
  readonly counters: MethodCounters;
}

export interface ServerStats {
  readonly connections: number;
  readonly activeCalls: number;
  readonly totalConnections: number;
  readonly totalCalls: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}
