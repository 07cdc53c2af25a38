import * as http from "node:http";
import * as https from "node:https";
import { tlsOptions } from "./connect-tls.ts";
import type { Connection } from "./kubeconfig.ts";
import { type Transport, type TransportRequest, type TransportResponse, transportError } from "./transport.ts";

/** HTTP/1.1 with kept-alive connections: for plain `http:` servers (`kubectl proxy`) and for those that do not offer HTTP/2. */
export class Http1Transport implements Transport {
  readonly #connection: Connection;
  readonly #agent: http.Agent;
  readonly #send: typeof http.request;

  constructor(connection: Connection) {
    this.#connection = connection;
    const secure = connection.server.startsWith("https:");
    this.#agent = secure
      ? new https.Agent({ keepAlive: true, ...tlsOptions(connection) })
      : new http.Agent({ keepAlive: true });
    this.#send = secure ? https.request : http.request;
  }

  request(request: TransportRequest): Promise<TransportResponse> {
    const what = `${request.method} ${request.path}`;
    return new Promise((resolve, reject) => {
      const exchange = this.#send(new URL(request.path, this.#connection.server), {
        method: request.method,
        headers: request.headers,
        agent: this.#agent,
        signal: request.signal,
        ...(this.#connection.socketPath === undefined ? {} : { socketPath: this.#connection.socketPath }),
      });
      let connected = false;
      exchange.once("socket", (socket) => {
        connected = !socket.connecting;
        socket.once("connect", () => {
          connected = true;
        });
      });
      exchange.once("error", (error) => {
        reject(request.signal?.aborted ? request.signal.reason : transportError(what, connected, error));
      });
      exchange.once("response", (answer) => {
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers as Record<string, string | undefined>,
          body: bodyOf(answer, what, request.signal),
        });
      });
      exchange.end(request.body);
    });
  }

  async close(): Promise<void> {
    this.#agent.destroy();
  }
}

async function* bodyOf(answer: http.IncomingMessage, what: string, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of answer) yield chunk as Uint8Array;
  } catch (error) {
    throw signal?.aborted ? signal.reason : transportError(what, true, error);
  }
}
