import * as http2 from "node:http2";
import type { TLSSocket } from "node:tls";
import { connectTls } from "./connect-tls.ts";
import { Http1Transport } from "./http1-transport.ts";
import { Http2Body } from "./http2-body.ts";
import type { Connection } from "./kubeconfig.ts";
import { orAbort } from "./or-abort.ts";
import {
  type Transport,
  TransportError,
  type TransportRequest,
  type TransportResponse,
  transportError,
} from "./transport.ts";

/** A quiet connection is pinged, as client-go does (ReadIdleTimeout 30 s, PingTimeout 15 s): a watch on a dead one would wait for ever. */
const pingEveryMs = 30_000;
const pingTimeoutMs = 15_000;
/** Go servers allow 100 or 250 streams on a connection; watches hold theirs for long, so a few are left for short requests. */
const streamsPerSession = 90;

/**
 * HTTP/2 over TLS. All requests and watches share one connection until it is full, then a second one is opened.
 * Falls back to HTTP/1.1 when the server does not offer HTTP/2 in the handshake.
 */
export class Http2Transport implements Transport {
  readonly #connection: Connection;
  #sessions: Session[] = [];
  /** Shared by all that wait for a connection. */
  #connecting: Promise<void> | undefined;
  #http1: Http1Transport | undefined;
  #closed = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async request(request: TransportRequest): Promise<TransportResponse> {
    for (;;) {
      request.signal?.throwIfAborted();
      if (this.#closed) throw new TransportError("the client is closed", { code: "CLOSED", sent: false });
      // Chosen and used without a pause, so that many who waited for one connection do not all see the same room in it.
      const carrier = this.#http1 ?? this.#sessions.find((session) => session.hasRoom);
      if (carrier !== undefined) return carrier.request(request);
      this.#connecting ??= this.#connect().finally(() => {
        this.#connecting = undefined;
      });
      await orAbort(this.#connecting, request.signal);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const session of this.#sessions) session.destroy();
    this.#sessions = [];
    await this.#http1?.close();
  }

  async #connect(): Promise<void> {
    const socket = await connectTls(this.#connection, ["h2", "http/1.1"]);
    if (socket.alpnProtocol !== "h2") {
      socket.destroy();
      this.#http1 = new Http1Transport(this.#connection);
      return;
    }
    const session = new Session(this.#connection.server, socket, () => {
      this.#sessions = this.#sessions.filter((other) => other !== session);
    });
    this.#sessions.push(session);
    if (this.#closed) session.destroy();
  }
}

/** One connection and its streams. */
class Session {
  readonly #session: http2.ClientHttp2Session;
  readonly #authority: string;
  #pinging: NodeJS.Timeout;
  #streams = 0;

  constructor(server: string, socket: TLSSocket, onClose: () => void) {
    this.#authority = new URL(server).host;
    this.#session = http2.connect(server, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: 1 << 20 },
    });
    this.#session.once("connect", () => this.#session.setLocalWindowSize(8 << 20));
    // Every stream hears of the failure as well and tells its caller; here it must only not go unheard.
    this.#session.on("error", () => this.destroy());
    this.#session.once("close", () => {
      clearInterval(this.#pinging);
      onClose();
    });
    this.#pinging = setInterval(() => this.#ping(), pingEveryMs);
    this.#pinging.unref();
  }

  /** False also after GOAWAY: what is under way may finish, nothing new may start. */
  get hasRoom(): boolean {
    const limit = Math.min(streamsPerSession, this.#session.remoteSettings?.maxConcurrentStreams ?? streamsPerSession);
    return !this.#session.closed && !this.#session.destroyed && this.#streams < limit;
  }

  destroy(): void {
    clearInterval(this.#pinging);
    if (!this.#session.destroyed) this.#session.destroy();
  }

  request(request: TransportRequest): Promise<TransportResponse> {
    return new Promise((resolve, reject) => {
      const what = `${request.method} ${request.path}`;
      let stream: http2.ClientHttp2Stream;
      try {
        stream = this.#session.request(
          { ":method": request.method, ":path": request.path, ":authority": this.#authority, ...request.headers },
          { endStream: request.body === undefined },
        );
      } catch (error) {
        // The session went away between the choice of it and now: nothing was written.
        return reject(transportError(what, false, error));
      }
      this.#streams++;
      const signal = request.signal;
      const onAbort = () => stream.close(http2.constants.NGHTTP2_CANCEL);
      signal?.addEventListener("abort", onAbort, { once: true });
      let failure: unknown;
      let answered = false;
      stream.on("error", (error) => {
        failure = error;
      });
      stream.once("close", () => {
        this.#streams--;
        signal?.removeEventListener("abort", onAbort);
        // What goes wrong after the response is the body's to tell.
        if (answered) return;
        // REFUSED_STREAM promises that the server did nothing (RFC 9113 §8.7).
        const refused = stream.rstCode === http2.constants.NGHTTP2_REFUSED_STREAM;
        const cause = failure ?? new Error(`stream closed with code ${stream.rstCode}`);
        reject(signal?.aborted ? signal.reason : transportError(what, !refused, cause));
      });
      stream.once("response", (head) => {
        answered = true;
        const { ":status": status, ...headers } = head;
        resolve({
          status: Number(status),
          headers: headers as Record<string, string | undefined>,
          body: new Http2Body(stream, what, signal),
        });
      });
      if (request.body !== undefined) stream.end(request.body);
    });
  }

  #ping(): void {
    if (this.#session.closed || this.#session.destroyed) return;
    const overdue = setTimeout(() => this.destroy(), pingTimeoutMs);
    overdue.unref();
    this.#session.ping(() => clearTimeout(overdue));
  }
}
