import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Log } from "../../../base/mod.ts";
import { type Method, parseTimeout, Status } from "../../../proto/mod.ts";
import { type Caller, type GrpcServer, peerOf } from "../grpc/mod.ts";
import { reply } from "../http/reply.ts";
import { type AnswerSink, Exchange, maxJsonChars } from "./exchange.ts";
import { httpStatusOf } from "./http-status.ts";
import { gatewayRoutes } from "./routes.ts";
import { WebSockets } from "./web-sockets.ts";

export interface GatewayOptions {
  readonly server: () => Pick<GrpcServer, "call">;
  /** Largest request message, in bytes, as encoded. */
  readonly maxRequestBytes: number;
  /** Whether the name in a client's certificate says who calls, where calls come over gRPC. */
  readonly certificatesName: () => boolean;
  readonly log: Log;
}

const nameIgnored = "CommonName of client sending a request against gateway will be ignored and not used as expected\n";

/** etcd's JSON gateway: every RPC as a POST of JSON, streams as lines of JSON in both directions, or as a WebSocket. */
export class Gateway {
  readonly #options: GatewayOptions;
  readonly #sockets: WebSockets;

  constructor(options: GatewayOptions) {
    this.#options = options;
    this.#sockets = new WebSockets(maxJsonChars(options.maxRequestBytes), options.log);
  }

  /** Whether the gateway answers for this path. */
  serves(path: string): boolean {
    return path.startsWith("/v3/") || path.startsWith("/v3beta/");
  }

  answer(request: IncomingMessage, response: ServerResponse, path: string): void {
    const method = methodAt(path);
    // Better no answer than one to somebody whom the client did not mean to be.
    if (this.#options.certificatesName() && isNamed(request)) reply(response, 400, nameIgnored);
    else if (method === undefined) refuse(response, Status.NotFound, "Not Found");
    else if (request.method !== "POST") refuse(response, Status.Unimplemented, "Method Not Allowed");
    else {
      const exchange = this.#exchange(method, request, new ResponseSink(request, response));
      request.on("data", (chunk: Buffer) => {
        if (!exchange.feed(chunk)) request.pause();
      });
      request.on("end", () => exchange.finish());
      response.on("drain", () => exchange.drained());
      // A client that leaves before the answer is complete no longer wants it.
      response.on("close", () => exchange.cancel());
    }
  }

  /** False if there is no such path. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, path: string): boolean {
    const method = methodAt(path);
    if (method === undefined) return false;
    this.#sockets.accept(request, socket, head, (sink) => this.#exchange(method, request, sink));
    return true;
  }

  stop(): void {
    this.#sockets.stop();
  }

  #exchange(method: Method, request: IncomingMessage, sink: AnswerSink): Exchange {
    return new Exchange(this.#options.server(), method, callerOf(request), sink, this.#options.maxRequestBytes);
  }
}

function methodAt(path: string): Method | undefined {
  return gatewayRoutes.get(path.replace(/^\/v3(beta)?\//, ""));
}

function isNamed({ socket }: IncomingMessage): boolean {
  return (peerOf(socket).certificate?.commonName ?? "") !== "";
}

/** Who asks: the metadata of the call are the headers `Grpc-Metadata-*`, and `Authorization`, which carries the token. */
function callerOf(request: IncomingMessage): Caller {
  const { headers } = request;
  const header = (name: string) => {
    const value = headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const timeout = header("grpc-timeout");
  return {
    // Its certificate is not the caller's word for who it is: the connection may be a proxy's, shared by many.
    peer: { ...peerOf(request.socket), certificate: undefined },
    metadata: (key) => (key === "authorization" ? header(key) : header(`grpc-metadata-${key}`)),
    timeoutMs: timeout === undefined ? undefined : parseTimeout(timeout),
  };
}

function refuse(response: ServerResponse, code: Status, message: string): void {
  const body = JSON.stringify({ code, message });
  response.writeHead(httpStatusOf(code), { "content-type": "application/json", "content-length": body.length });
  response.end(body);
}

const headers = { "content-type": "application/json", "grpc-metadata-content-type": "application/grpc" };

class ResponseSink implements AnswerSink {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.#request = request;
    this.#response = response;
  }

  whole(status: number, text: string): void {
    this.#response.writeHead(status, { ...headers, "content-length": Buffer.byteLength(text) });
    this.#response.write(text);
  }

  piece(text: string): boolean {
    return this.line(200, text);
  }

  line(status: number, text: string): boolean {
    if (!this.#response.headersSent) this.#response.writeHead(status, headers);
    return this.#response.write(text);
  }

  end(): void {
    this.#response.end();
  }

  resume(): void {
    this.#request.resume();
  }
}
