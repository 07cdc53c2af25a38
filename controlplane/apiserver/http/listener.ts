import { chmodSync, rmSync } from "node:fs";
import { type IncomingMessage, ServerResponse } from "node:http";
import { createSecureServer, type Http2SecureServer, type Http2ServerRequest, type Http2Session } from "node:http2";
import type { AddressInfo, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Log } from "../../../base/mod.ts";
import type { UpgradeRequest } from "../../../streaming/mod.ts";

export type AnyRequest = IncomingMessage | Http2ServerRequest;
/** Of either protocol: the compatibility API of node:http2 answers by the methods of node:http. */
export type AnyResponse = ServerResponse;

export interface ListenerOptions {
  /** Where: a TCP address (port 0 picks one), or the path of a unix socket. */
  readonly at: { readonly host: string; readonly port: number } | { readonly unixSocket: string };
  readonly cert: string;
  readonly key: string;
  /** Authorities whose client certificates say who somebody is. */
  readonly clientCa: string;
  readonly log: Log;
  /** With `upgrade` the client asks to leave HTTP; `response` is there for all other answers, and is detached for that one. */
  handle(request: AnyRequest, response: AnyResponse, socket: TLSSocket, upgrade?: UpgradeRequest): void;
}

export interface Listener {
  /** Port listened on; 0 for a unix socket. */
  readonly port: number;
  /** Stops accepting, lets open requests end until `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/** How many streams a client may have open on one connection: watches are streams, and informers open many. */
const MAX_STREAMS = 1000;

/** HTTP/2 and HTTP/1.1 by ALPN over TLS. No client, however rude, gets an error past this point. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const { at, cert, key, clientCa, log } = options;
  const server = createSecureServer({
    allowHTTP1: true,
    cert,
    key,
    ca: clientCa,
    minVersion: "TLSv1.2",
    // A certificate is asked for, not demanded: who has none may have a token, and a bad one is answered 401.
    requestCert: true,
    rejectUnauthorized: false,
    settings: { maxConcurrentStreams: MAX_STREAMS, initialWindowSize: 1 << 20 },
  });
  const sessions = new Set<Http2Session>();
  /** Open connections, with how many requests of HTTP/1.1 are being answered on each. */
  const sockets = new Map<TLSSocket, number>();
  let closing = false;
  server.on("session", (session: Http2Session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
    session.on("error", (error) => log("debug", "a connection failed", { error: error.message }));
  });
  server.on("secureConnection", (socket: TLSSocket) => {
    sockets.set(socket, 0);
    if (closing) socket.end(); // it was accepted in time, and finished its handshake too late
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", (error) => log("debug", "a connection failed", { error: error.message }));
  });
  // Connections on which TLS has not even begun: a server that closes waits for them too.
  const connections = new Set<Socket>();
  server.on("connection", (connection: Socket) => {
    connections.add(connection);
    connection.on("close", () => connections.delete(connection));
  });
  const shrug = (error: Error) => log("debug", "a client misbehaved", { error: error.message });
  server.on("sessionError", shrug);
  server.on("tlsClientError", shrug);
  server.on("clientError", (error: Error, socket: TLSSocket) => {
    shrug(error);
    if (socket.writable) socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
  });
  server.on("request", (request: AnyRequest, response: unknown) => {
    const answer = response as AnyResponse;
    request.on("error", shrug);
    answer.on("error", shrug);
    const socket = tlsSocketOf(request);
    if (request.httpVersionMajor === 1) {
      sockets.set(socket, (sockets.get(socket) ?? 0) + 1);
      answer.on("close", () => {
        const open = (sockets.get(socket) ?? 1) - 1;
        if (sockets.has(socket)) sockets.set(socket, open);
        if (closing && open === 0) socket.end();
      });
    }
    options.handle(request, answer, socket);
  });
  server.on("upgrade", (request: IncomingMessage, socket: TLSSocket, head: Buffer) => {
    request.on("error", shrug);
    const response = responseOn(request, socket);
    response.on("error", shrug);
    options.handle(request, response, socket, { request, socket, head });
  });
  await bind(server, at);
  const address = server.address() as AddressInfo | string;
  return {
    port: typeof address === "string" ? 0 : address.port,
    close: (graceMs) => {
      closing = true;
      const cut = () => {
        const left = [...sockets.values()].reduce((sum, requests) => sum + requests, 0) + sessions.size;
        log("warn", "cut connections that would not end", { connections: connections.size, busy: left });
        for (const session of sessions) session.destroy();
        for (const connection of [...sockets.keys(), ...connections]) connection.destroy();
      };
      return closeServer(server, sessions, sockets, graceMs, cut);
    },
  };
}

/** A response to a request that asked for an upgrade and may not get one. The connection ends with it. */
function responseOn(request: IncomingMessage, socket: TLSSocket): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.on("finish", () => socket.end());
  return response;
}

function tlsSocketOf(request: AnyRequest): TLSSocket {
  // The compatibility API wraps the socket of HTTP/2 in a proxy; the session has the thing itself.
  const session = "stream" in request ? request.stream.session : undefined;
  return (session?.socket ?? request.socket) as TLSSocket;
}

function bind(server: Http2SecureServer, at: ListenerOptions["at"]): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const ready = () => {
      server.off("error", reject);
      if ("unixSocket" in at) chmodSync(at.unixSocket, 0o600);
      resolve();
    };
    if ("unixSocket" in at) {
      rmSync(at.unixSocket, { force: true }); // left by a process that was killed
      server.listen(at.unixSocket, ready);
    } else server.listen(at.port, at.host, ready);
  });
}

async function closeServer(
  server: Http2SecureServer,
  sessions: ReadonlySet<Http2Session>,
  sockets: ReadonlyMap<TLSSocket, number>,
  graceMs: number,
  cut: () => void,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const session of sessions) session.close();
  // Idle connections of HTTP/1.1 would be kept for a next request; HTTP/2 ends by its sessions.
  for (const [socket, requests] of sockets) if (requests === 0 && socket.alpnProtocol !== "h2") socket.end();
  const timer = setTimeout(cut, graceMs);
  await closed;
  clearTimeout(timer);
}
