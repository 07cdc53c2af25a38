import { createServer as createHttpServer, type ServerResponse } from "node:http";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Clock, Log } from "../../../base/mod.ts";
import { createTlsListener } from "../../tls/mod.ts";
import { keepaliveDefaults } from "./keepalive.ts";
import type { Caller, CallListener, OutgoingCall } from "./local-call.ts";
import { LocalCalls } from "./local-calls.ts";
import { peerOf } from "./peer.ts";
import { type Routes, routesOf } from "./route.ts";
import { ServerConnection, type ServerContext } from "./server-connection.ts";
import { sniff } from "./sniff.ts";
import type { GrpcServer, GrpcServerOptions, ListenAddress, Listening, ServerStats, TlsOptions } from "./types.ts";

const defaultMaxRequestBytes = 1_572_864 + 524_288;
/** A connection that has said nothing at all is closed after this. */
const silenceMs = 20_000;

/** A gRPC server over TCP or unix sockets, plain or TLS, that also answers HTTP/1.1 on the same ports. */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  return new SocketServer(options);
}

class SocketServer implements GrpcServer {
  readonly #context: ServerContext;
  readonly #local: LocalCalls;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #listeners = new Set<Server>();
  /** Not yet known to speak HTTP/2, or known to speak HTTP/1.1. */
  readonly #otherSockets = new Set<Socket>();
  readonly #connections = new Set<ServerConnection>();
  #totalConnections = 0;
  #toFlush: ServerConnection[] = [];
  #stopping = false;
  #whenIdle: (() => void) | undefined;

  constructor(options: GrpcServerOptions) {
    this.#clock = options.clock;
    this.#log = options.log;
    const notFound = (_: unknown, response: ServerResponse) => response.writeHead(404).end();
    const http1 = createHttpServer(options.http1 ?? notFound);
    // A streaming request may take as long as it likes.
    http1.requestTimeout = 0;
    if (options.upgrade !== undefined) http1.on("upgrade", options.upgrade);
    this.#context = {
      routes: routesOf(options.services),
      beforeCall: options.beforeCall,
      observer: options.observer,
      maxRequestBytes: options.maxRequestBytes ?? defaultMaxRequestBytes,
      maxConcurrentStreams: options.maxConcurrentStreams ?? 0xffff_ffff,
      keepalive: { ...keepaliveDefaults, ...options.keepalive },
      http1,
      clock: options.clock,
      log: options.log,
      counters: { activeCalls: 0, totalCalls: 0, receivedBytes: 0, sentBytes: 0 },
      scheduleFlush: (connection) => this.#scheduleFlush(connection),
    };
    this.#local = new LocalCalls(this.#context);
  }

  get stats(): ServerStats {
    const connections = this.#connections.size + this.#otherSockets.size;
    return { ...this.#context.counters, connections, totalConnections: this.#totalConnections };
  }

  get methods(): Routes {
    return this.#context.routes;
  }

  call(path: string, caller: Caller, listener: CallListener, counted = true): OutgoingCall {
    return this.#local.call(path, caller, listener, counted);
  }

  async listen(address: ListenAddress): Promise<Listening> {
    const listener = address.tls === undefined ? this.#plainListener() : this.#tlsListener(address.tls);
    await new Promise<void>((resolve, reject) => {
      listener.once("error", reject);
      const listening = () => {
        listener.off("error", reject);
        resolve();
      };
      if ("path" in address) listener.listen(address.path, listening);
      else {
        const { host, port, reusePort = false } = address;
        listener.listen({ host, port, ...(reusePort && { reusePort }) }, listening);
      }
    });
    listener.on("error", (error) => this.#log("error", "listener failed", { error: error.message }));
    this.#listeners.add(listener);
    const bound = listener.address() as AddressInfo | string;
    return { port: typeof bound === "string" ? 0 : bound.port, close: () => this.#closeListener(listener) };
  }

  async stop(graceMs = 0): Promise<void> {
    this.#stopping = true;
    const closing = [...this.#listeners].map((listener) => this.#closeListener(listener));
    for (const connection of this.#connections) connection.drain();
    if (graceMs > 0 && this.#connections.size > 0) await this.#idleWithin(graceMs);
    for (const connection of this.#connections) connection.destroy();
    for (const socket of this.#otherSockets) socket.destroy();
    await Promise.all(closing);
  }

  #idleWithin(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(graceMs, resolve);
      this.#whenIdle = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #closeListener(listener: Server): Promise<void> {
    if (!this.#listeners.delete(listener)) return Promise.resolve();
    return new Promise((resolve) => listener.close(() => resolve()));
  }

  #plainListener(): Server {
    return createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  #tlsListener(tls: TlsOptions): Server {
    const events = {
      accepted: (socket: Socket) => this.#accept(socket),
      rejected: (remote: string, serverName: string, error: string) =>
        this.#log("warn", "rejected connection on client endpoint", {
          "remote-addr": remote,
          "server-name": serverName,
          error,
        }),
    };
    return createTlsListener(tls, events, { protocols: ["h2", "http/1.1"], handshakeTimeoutMs: silenceMs });
  }

  #accept(socket: Socket): void {
    if (this.#stopping) {
      socket.destroy();
      return;
    }
    this.#totalConnections++;
    this.#otherSockets.add(socket);
    const onError = (error: Error) => this.#log("debug", "connection failed", { error: error.message });
    const silence = this.#clock.after(silenceMs, () => socket.destroy());
    socket.on("error", onError);
    socket.once("close", () => {
      silence.cancel();
      this.#otherSockets.delete(socket);
    });
    sniff(socket, (protocol, first) => {
      silence.cancel();
      if (protocol === "http2") {
        this.#otherSockets.delete(socket);
        this.#serveHttp2(socket, first);
      } else {
        socket.unshift(first);
        this.#context.http1.emit("connection", socket);
        socket.resume();
      }
    });
  }

  #serveHttp2(socket: Socket, first: Uint8Array): void {
    const connection = new ServerConnection(this.#context, socket, peerOf(socket));
    this.#connections.add(connection);
    socket.once("close", () => {
      this.#connections.delete(connection);
      if (this.#connections.size === 0) this.#whenIdle?.();
    });
    connection.receive(first);
    socket.resume();
    if (this.#stopping) connection.drain();
  }

  /** One write per connection and turn of the event loop: after all that has arrived was handled. */
  #scheduleFlush(connection: ServerConnection): void {
    if (connection.flushScheduled) return;
    connection.flushScheduled = true;
    if (this.#toFlush.push(connection) === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const connections = this.#toFlush;
    this.#toFlush = [];
    for (const connection of connections) connection.flush();
  }
}
