import { Agent, type ClientRequest, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import type { Clock, Log, Timer } from "../../base/mod.ts";
import { type Balancer, type Endpoint, endpointId } from "./endpoints.ts";
import { endToEnd, forwardedHeaders } from "./headers.ts";
import { hostOf } from "./host-table.ts";
import type { Backend, RoutingTable } from "./routing.ts";

export type FrontRequest = IncomingMessage | Http2ServerRequest;
export type FrontResponse = ServerResponse | Http2ServerResponse;

export interface Timeouts {
  /** For a connection to an endpoint, then the next one is tried. */
  readonly connectMs: number;
  /** From the last byte of a request to the first of its answer, then it is 504. */
  readonly responseMs: number;
}

export interface Upstreams {
  readonly balancer: Balancer;
  /** Keeps connections to endpoints open between requests. */
  readonly agent: Agent;
  readonly timeouts: Timeouts;
  readonly clock: Clock;
  readonly log: Log;
}

/** An endpoint's connection is not used again after this long without a request. */
const idleConnectionMs = 60_000;
const mostAttempts = 3;
/** RFC 9110 §9.2.2: twice is as good as once. */
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

export function keepAliveAgent(): Agent {
  return new Agent({ keepAlive: true, maxFreeSockets: 256, scheduling: "lifo", timeout: idleConnectionMs });
}

export function authorityOf(request: FrontRequest): string {
  const authority = request.headers[":authority"] ?? request.headers.host ?? "";
  return Array.isArray(authority) ? (authority[0] ?? "") : authority;
}

/** Path and query; a client that takes us for a forward proxy sends a whole URL. */
export function targetOf(request: FrontRequest): string {
  const url = request.url ?? "/";
  const absolute = /^https?:\/\/[^/?#]*(.*)$/i.exec(url);
  if (absolute === null) return url;
  const rest = absolute[1] as string;
  return rest.startsWith("/") ? rest : `/${rest}`;
}

export function route(table: RoutingTable, request: FrontRequest): Backend | undefined {
  return table.match(hostOf(authorityOf(request)), targetOf(request).replace(/[?#].*$/, ""));
}

/** Why a request cannot go anywhere, as a status and a sentence. */
export function refusalOf(backend: Backend | undefined): readonly [number, string] | undefined {
  if (backend === undefined) return [404, "no Ingress leads here"];
  if (backend.endpoints.length === 0) return [503, "the Service behind this path has no endpoints"];
  return undefined;
}

export function answer(response: FrontResponse, status: number, sentence: string): void {
  if (response.headersSent || response.destroyed) return;
  const body = `${status}: ${sentence}\n`;
  response.statusCode = status;
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.setHeader("content-length", Buffer.byteLength(body));
  response.end(body);
}

function hasBody(front: FrontRequest): boolean {
  if (front.httpVersionMajor === 2) return !(front as Http2ServerRequest).stream.endAfterHeaders;
  return front.headers["transfer-encoding"] !== undefined || Number(front.headers["content-length"] ?? 0) > 0;
}

/** Sends one request to an endpoint of `backend`, and its answer back, both as they come. */
export function forward(
  front: FrontRequest,
  response: FrontResponse,
  backend: Backend,
  proto: "http" | "https",
  upstreams: Upstreams,
): void {
  new Exchange(front, response, backend, proto, upstreams).attempt();
}

class Exchange {
  readonly #front: FrontRequest;
  readonly #response: FrontResponse;
  readonly #backend: Backend;
  readonly #proto: "http" | "https";
  readonly #upstreams: Upstreams;
  readonly #hasBody: boolean;
  readonly #tried = new Set<string>();
  /** A body goes by only once: after its first byte there is no second attempt. */
  #bodyStarted = false;
  #timer: Timer | undefined;
  #current: ClientRequest | undefined;

  constructor(
    front: FrontRequest,
    response: FrontResponse,
    backend: Backend,
    proto: "http" | "https",
    upstreams: Upstreams,
  ) {
    this.#front = front;
    this.#response = response;
    this.#backend = backend;
    this.#proto = proto;
    this.#upstreams = upstreams;
    this.#hasBody = hasBody(front);
    // The client went away, or has its answer: either way the endpoint owes nothing more.
    response.on("close", () => {
      this.#timer?.cancel();
      if (!response.writableFinished) this.#current?.destroy();
    });
    response.on("error", (error) => upstreams.log("debug", "a client broke off", { error: error.message }));
    front.on("error", (error) => upstreams.log("debug", "a client broke off", { error: error.message }));
  }

  attempt(): void {
    const { balancer } = this.#upstreams;
    const endpoint = balancer.pick(this.#backend.endpoints, this.#tried);
    if (endpoint === undefined) {
      answer(this.#response, 502, "no endpoint of the Service behind this path could be reached");
      return;
    }
    this.#tried.add(endpointId(endpoint));
    const upstream = this.#open(endpoint);
    this.#current = upstream;
    let connected = false;
    let answered = false;
    upstream.once("close", () => balancer.release(endpoint));
    upstream.on("error", (error) => {
      this.#timer?.cancel();
      this.#upstreams.log("debug", "an endpoint failed", { endpoint: endpointId(endpoint), error: error.message });
      if (this.#response.destroyed || this.#response.writableEnded) return;
      if (answered) this.#breakOff();
      else if (error instanceof ResponseTimeout) answer(this.#response, 504, "the endpoint did not answer in time");
      else if (this.#mayRetry(connected)) this.attempt();
      else answer(this.#response, 502, "the endpoint broke the connection before it answered");
    });
    upstream.once("response", (message) => {
      answered = true;
      this.#timer?.cancel();
      this.#relay(message);
    });
    whenConnected(upstream, this.#upstreams, () => {
      connected = true;
      this.#awaitAnswer(upstream);
      this.#sendBody(upstream);
    });
  }

  #open({ address, port }: Endpoint): ClientRequest {
    const front = this.#front;
    const headers = forwardedHeaders(front.headers, {
      address: front.socket.remoteAddress ?? "unknown",
      proto: this.#proto,
      authority: authorityOf(front),
    });
    // Node frames no body by itself for methods that seldom have one.
    if (this.#hasBody && headers["content-length"] === undefined) headers["transfer-encoding"] = "chunked";
    const { agent } = this.#upstreams;
    return request({ host: address, port, method: front.method, path: targetOf(front), headers, agent });
  }

  #mayRetry(connected: boolean): boolean {
    if (this.#tried.size >= mostAttempts || this.#bodyStarted) return false;
    return !connected || idempotent.has(this.#front.method ?? "");
  }

  #sendBody(upstream: ClientRequest): void {
    if (!this.#hasBody) {
      upstream.end();
      return;
    }
    this.#front.on("data", () => {
      this.#bodyStarted = true;
      // An upload may take its time; only silence counts.
      if (this.#timer !== undefined) this.#awaitAnswer(upstream);
    });
    this.#front.pipe(upstream);
  }

  #awaitAnswer(upstream: ClientRequest): void {
    const { clock, timeouts } = this.#upstreams;
    this.#timer?.cancel();
    this.#timer = clock.after(timeouts.responseMs, () => upstream.destroy(new ResponseTimeout()));
  }

  #relay(message: IncomingMessage): void {
    this.#timer = undefined;
    const response = this.#response;
    const headers = endToEnd(message.headers);
    const status = message.statusCode as number;
    // HTTP/2 has no reason phrases.
    if ("stream" in response) response.writeHead(status, headers);
    else (response as ServerResponse).writeHead(status, message.statusMessage, headers);
    message.on("error", () => this.#breakOff());
    message.pipe(response as ServerResponse, { end: false });
    message.on("end", () => {
      if (Object.keys(message.trailers).length > 0) response.addTrailers(message.trailers as Record<string, string>);
      response.end();
    });
  }

  /** The answer has begun and will not be complete: the client must not take it for whole. */
  #breakOff(): void {
    const response = this.#response;
    if ("stream" in response) response.stream.close(2 /* INTERNAL_ERROR */);
    else response.destroy();
  }
}

class ResponseTimeout extends Error {}

/** Calls `then` when the request has a connection that works; its error is told by the request. */
export function whenConnected(upstream: ClientRequest, { clock, timeouts }: Upstreams, then: () => void): void {
  upstream.once("socket", (socket: Socket) => {
    if (!socket.connecting) {
      then();
      return;
    }
    const timer = clock.after(timeouts.connectMs, () => upstream.destroy(new Error("no connection in time")));
    socket.once("close", () => timer.cancel());
    socket.once("connect", () => {
      timer.cancel();
      then();
    });
  });
}
