import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { WebSocket, WebSocketServer } from "ws";
import type { Log } from "../../../base/mod.ts";
import type { AnswerSink, Exchange } from "./exchange.ts";

/** Above this the answers wait for a client that does not read. */
const highWaterBytes = 64 * 1024;

/**
 * The gateway's streams as WebSockets, as by the proxy that etcd puts before its gateway (tmc/grpc-websocket-proxy): each text
 * message of the client is a request, each answer a text message.
 */
export class WebSockets {
  /** Loaded when somebody wants one: few do, and it costs each member two megabytes. */
  #server: Promise<WebSocketServer> | undefined;
  readonly #maxMessageBytes: number;
  readonly #log: Log;

  constructor(maxMessageBytes: number, log: Log) {
    this.#maxMessageBytes = maxMessageBytes;
    this.#log = log;
  }

  accept(request: IncomingMessage, socket: Duplex, head: Buffer, open: (sink: AnswerSink) => Exchange): void {
    authorize(request);
    this.#server ??= load(this.#maxMessageBytes);
    this.#server.then(
      (server) => server.handleUpgrade(request, socket, head, (client) => this.#serve(client, open)),
      (error: unknown) => {
        this.#log("error", "cannot serve WebSockets", { error: String(error) });
        socket.destroy();
      },
    );
  }

  stop(): void {
    this.#server?.then(
      ({ clients }) => {
        for (const client of clients) client.terminate();
      },
      () => undefined, // it never was there
    );
  }

  #serve(client: WebSocket, open: (sink: AnswerSink) => Exchange): void {
    const exchange = open(new SocketSink(client, () => exchange.drained()));
    client.on("message", (data) => {
      if (!exchange.feed(`${data}\n`)) client.pause();
    });
    client.on("close", () => exchange.cancel());
    client.on("error", () => exchange.cancel());
  }
}

async function load(maxPayload: number): Promise<WebSocketServer> {
  const { WebSocketServer } = await import("ws");
  return new WebSocketServer({
    noServer: true,
    maxPayload,
    // Browsers cannot send headers with a WebSocket: "Bearer, TOKEN" as subprotocols stands for Authorization.
    handleProtocols: (protocols) => (protocols.has("Bearer") ? "Bearer" : false),
  });
}

/** A token among the subprotocols, or in a cookie, becomes that of the request. */
function authorize({ headers }: IncomingMessage): void {
  const [scheme, token] = (headers["sec-websocket-protocol"] ?? "").split(/,\s*/);
  const cookie = /(?:^|;\s*)token=([^;]+)/.exec(headers.cookie ?? "")?.[1];
  if (cookie !== undefined) headers.authorization = `Bearer ${cookie}`;
  else if (scheme === "Bearer" && token !== undefined) headers.authorization = `Bearer ${token}`;
}

class SocketSink implements AnswerSink {
  readonly #client: WebSocket;
  readonly #onDrain: () => void;
  #waiting = false;
  /** Of a message that is not complete yet. */
  #pieces = "";

  constructor(client: WebSocket, onDrain: () => void) {
    this.#client = client;
    this.#onDrain = onDrain;
  }

  whole(status: number, text: string): void {
    this.line(status, text);
  }

  piece(text: string): boolean {
    this.#pieces += text;
    return true;
  }

  line(_status: number, text: string): boolean {
    if (this.#client.readyState !== this.#client.OPEN) return true;
    this.#client.send(text.trimEnd(), () => this.#sent());
    this.#waiting = this.#client.bufferedAmount > highWaterBytes;
    return !this.#waiting;
  }

  end(): void {
    if (this.#pieces !== "") this.whole(200, this.#pieces);
    this.#client.close();
  }

  resume(): void {
    this.#client.resume();
  }

  #sent(): void {
    if (!this.#waiting || this.#client.bufferedAmount > highWaterBytes) return;
    this.#waiting = false;
    this.#onDrain();
  }
}
