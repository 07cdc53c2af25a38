import { createServer, type Server as HttpServer, type IncomingMessage } from "node:http";
import {
  createServer as createHttp2Server,
  createSecureServer,
  type Http2SecureServer,
  type Http2Server,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { assert, Deferred, Failure } from "../../base/mod.ts";
import { type FrontRequest, type FrontResponse, forward, route, type Upstreams } from "./forward.ts";
import { whenClientBegins } from "./preface.ts";
import type { RoutingTable } from "./routing.ts";
import type { Certificates, Pair } from "./tls.ts";
import { passUpgrade, wantsUpgrade } from "./upgrade.ts";

/** Where to listen; or what `net.Server.listen` takes for a socket that is bound or listens already: its connections are ours from then on. */
export type Listener = { readonly host: string; readonly port: number } | object;

/** The front: HTTP/1.1 and HTTP/2, on plain sockets and on TLS. Asks `table` anew for every request. */
export class IngressProxy {
  readonly #table: () => RoutingTable;
  readonly #upstreams: Upstreams;
  readonly #servers: (HttpServer | Http2SecureServer)[] = [];
  readonly #sessions = new Set<ServerHttp2Session>();
  /** Connections that have said nothing yet: no server of Node's knows them. */
  readonly #silent = new Set<Socket>();
  /** Connections that left HTTP. They end when they like, or when we stop. */
  readonly #upgraded = new Set<Duplex>();
  readonly #inFlight = new Set<FrontResponse>();
  #stopping = false;
  #idle: Deferred<void> | undefined;

  constructor(table: () => RoutingTable, upstreams: Upstreams) {
    this.#table = table;
    this.#upstreams = upstreams;
  }

  /** Resolves with the port. Throws Failure when it cannot be had. */
  listenHttp(listener: Listener): Promise<number> {
    const server = createServer({ shouldUpgradeCallback: wantsUpgrade, noDelay: true });
    // Without TLS nobody negotiates: a client of HTTP/2 knows that it may (RFC 9113 §3.3), and is told by how it begins.
    const http2 = createHttp2Server();
    const [takeHttp1] = server.listeners("connection") as ((this: HttpServer, socket: Socket) => void)[];
    assert(takeHttp1 !== undefined, "Node's server takes connections by an event");
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) => {
      this.#silent.add(socket);
      socket.once("close", () => this.#silent.delete(socket));
      whenClientBegins(socket, (version) => {
        this.#silent.delete(socket);
        if (version === "http2") http2.emit("connection", socket);
        else takeHttp1.call(server, socket);
      });
    });
    this.#serve(server, "http");
    this.#serveHttp2(http2, "http");
    this.#servers.push(server);
    return this.#listen(server, listener);
  }

  listenHttps(listener: Listener, certificates: Certificates, fallback: Pair): Promise<number> {
    const server = createSecureServer({
      ...fallback,
      allowHTTP1: true,
      SNICallback: (name, done) => done(null, certificates.contextFor(name)),
    });
    server.on("tlsClientError", (error) => this.#upstreams.log("debug", "no TLS", { error: error.message }));
    this.#serveHttp2(server, "https");
    this.#servers.push(server);
    return this.#listen(server, listener);
  }

  /** No new connections; requests under way are finished (for at most `graceMs`) and told that the connection ends with them. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    const closed = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const session of this.#sessions) session.close();
    for (const socket of this.#silent) socket.destroy();
    for (const response of this.#inFlight) lastOnItsConnection(response);
    if (this.#inFlight.size > 0) {
      this.#idle = new Deferred();
      const timer = this.#upstreams.clock.after(graceMs, () => this.#idle?.resolve());
      await this.#idle.promise;
      timer.cancel();
    }
    for (const socket of this.#upgraded) socket.destroy();
    for (const session of this.#sessions) session.destroy();
    for (const server of this.#servers) if ("closeAllConnections" in server) server.closeAllConnections();
    this.#upstreams.agent.destroy();
    this.#upstreams.sessions.destroy();
    await Promise.all(closed);
  }

  #serveHttp2(server: Http2Server | Http2SecureServer, proto: "http" | "https"): void {
    server.on("session", (session: ServerHttp2Session) => {
      this.#sessions.add(session);
      if (this.#stopping) session.close();
      session.on("close", () => this.#sessions.delete(session));
      session.on("error", (error) => this.#upstreams.log("debug", "a client broke off", { error: error.message }));
    });
    this.#serve(server, proto);
  }

  #serve(server: HttpServer | Http2Server | Http2SecureServer, proto: "http" | "https"): void {
    server.on("request", (front: FrontRequest, response: FrontResponse) => {
      this.#inFlight.add(response);
      response.on("close", () => this.#finished(response));
      if (this.#stopping) lastOnItsConnection(response);
      forward(front, response, () => route(this.#table(), front), proto, this.#upstreams);
    });
    server.on("upgrade", (front: IncomingMessage, socket: Duplex, firstBytes: Buffer) => {
      this.#upgraded.add(socket);
      socket.on("close", () => this.#upgraded.delete(socket));
      socket.on("error", (error) => this.#upstreams.log("debug", "a client broke off", { error: error.message }));
      passUpgrade(front, socket, firstBytes, () => route(this.#table(), front), proto, this.#upstreams);
    });
  }

  #finished(response: FrontResponse): void {
    this.#inFlight.delete(response);
    if (this.#inFlight.size === 0) this.#idle?.resolve();
  }

  async #listen(server: HttpServer | Http2SecureServer, listener: Listener): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error: NodeJS.ErrnoException) => {
        const where =
          "host" in listener && "port" in listener ? `${listener.host}:${listener.port}` : "the given socket";
        reject(
          new Failure(
            error.code ?? "ListenFailed",
            `cannot listen on ${where}: ${error.message}`,
            "Choose another address",
            error,
          ),
        );
      });
      server.listen(listener, resolve);
    });
    return (server.address() as AddressInfo).port;
  }
}

/** HTTP/2 says so once for all streams, by GOAWAY; HTTP/1 in the answer, if its head is not out yet. */
function lastOnItsConnection(response: FrontResponse): void {
  if (!("stream" in response) && !response.headersSent) response.setHeader("connection", "close");
}
