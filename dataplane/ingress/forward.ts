import type { Agent, IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Clock, Log, Timer } from "../../base/mod.ts";
import type { Answer, Call, CallEvents, Question } from "./call.ts";
import { type Balancer, type Endpoint, endpointId } from "./endpoints.ts";
import { forwardedHeaders } from "./headers.ts";
import { hostOf } from "./host-table.ts";
import { callHttp1 } from "./http1-call.ts";
import type { Http2Sessions } from "./http2-call.ts";
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
  readonly agent: Agent;
  readonly sessions: Http2Sessions;
  readonly timeouts: Timeouts;
  readonly clock: Clock;
  readonly log: Log;
}

export const mostAttempts = 3;
/** A request with a larger body is sent once only. */
const mostKeptBytes = 64 * 1024;
/** RFC 9110 §9.2.2: twice is as good as once. */
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]);

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

/**
 * Sends one request to an endpoint of the backend, and its answer back, both as they come. Where to is asked again before another
 * attempt: endpoints may have changed since.
 */
export function forward(
  front: FrontRequest,
  response: FrontResponse,
  backend: () => Backend | undefined,
  proto: "http" | "https",
  upstreams: Upstreams,
): void {
  new Exchange(front, response, backend, proto, upstreams).attempt();
}

class Exchange {
  readonly #front: FrontRequest;
  readonly #response: FrontResponse;
  readonly #backend: () => Backend | undefined;
  readonly #proto: "http" | "https";
  readonly #upstreams: Upstreams;
  readonly #hasBody: boolean;
  readonly #tried = new Set<string>();
  #attempts = 0;
  #bodyStarted = false;
  /** What of the body has gone by, for another attempt; undefined when that is too much to keep. */
  #sent: Buffer[] | undefined = [];
  #sentBytes = 0;
  #timer: Timer | undefined;
  #current: Call | undefined;

  constructor(
    front: FrontRequest,
    response: FrontResponse,
    backend: () => Backend | undefined,
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
      if (!response.writableFinished) this.#current?.cancel();
    });
    response.on("error", (error) => upstreams.log("debug", "a client broke off", { error: error.message }));
    front.on("error", (error) => upstreams.log("debug", "a client broke off", { error: error.message }));
  }

  attempt(): void {
    const { balancer, log } = this.#upstreams;
    const backend = this.#backend();
    const refusal = refusalOf(backend);
    if (backend === undefined || refusal !== undefined) {
      answer(this.#response, ...(refusal ?? [404, "no Ingress leads here"]));
      return;
    }
    const endpoint = balancer.pick(backend.endpoints, this.#tried);
    this.#attempts++;
    this.#tried.add(endpointId(endpoint));
    const call = this.#call(endpoint, backend.protocol, {
      connected: () => {
        this.#awaitAnswer(call);
        this.#sendBody(call);
      },
      answered: (given) => {
        this.#timer?.cancel();
        this.#timer = undefined;
        this.#relay(given);
      },
      failed: (error, seen) => {
        this.#timer?.cancel();
        this.#front.unpipe(call.body);
        log("debug", "an endpoint failed", { endpoint: endpointId(endpoint), error: error.message });
        if (this.#response.destroyed || this.#response.writableEnded) return;
        if (error instanceof ResponseTimeout) answer(this.#response, 504, "the endpoint did not answer in time");
        else if (this.#mayRetry(seen)) this.attempt();
        else answer(this.#response, 502, "the endpoint could not be reached, or broke off before it answered");
      },
      closed: () => balancer.release(endpoint),
    });
    this.#current = call;
  }

  #call(endpoint: Endpoint, protocol: Backend["protocol"], events: CallEvents): Call {
    const front = this.#front;
    const { timeouts, clock, agent, sessions } = this.#upstreams;
    const headers = forwardedHeaders(front.headers, {
      address: front.socket.remoteAddress ?? "unknown",
      proto: this.#proto,
      authority: authorityOf(front),
    });
    const { connectMs } = timeouts;
    const method = front.method ?? "GET";
    const question: Question = { endpoint, method, target: targetOf(front), headers, connectMs, clock };
    if (protocol === "h2c") {
      // The one hop-by-hop header that HTTP/2 has; servers of gRPC insist on it.
      if (/\btrailers\b/i.test(String(front.headers.te ?? ""))) headers.te = "trailers";
      return sessions.call(question, events);
    }
    // Node frames no body by itself for methods that seldom have one.
    if (this.#hasBody && headers["content-length"] === undefined) headers["transfer-encoding"] = "chunked";
    return callHttp1(question, agent, events);
  }

  #mayRetry(seen: boolean): boolean {
    if (this.#attempts >= mostAttempts || this.#sent === undefined) return false;
    return !seen || idempotent.has(this.#front.method ?? "");
  }

  #sendBody(call: Call): void {
    if (!this.#hasBody) {
      call.body.end();
      return;
    }
    const front = this.#front;
    if (!this.#bodyStarted) {
      this.#bodyStarted = true;
      front.on("data", (chunk: Buffer) => {
        this.#sentBytes += chunk.length;
        if (this.#sentBytes > mostKeptBytes) this.#sent = undefined;
        this.#sent?.push(chunk);
        // An upload may take its time; only silence counts.
        if (this.#timer !== undefined && this.#current !== undefined) this.#awaitAnswer(this.#current);
      });
    }
    for (const chunk of this.#sent ?? []) call.body.write(chunk);
    front.pipe(call.body);
  }

  #awaitAnswer(call: Call): void {
    const { clock, timeouts } = this.#upstreams;
    this.#timer?.cancel();
    this.#timer = clock.after(timeouts.responseMs, () => call.cancel(new ResponseTimeout()));
  }

  #relay({ status, reason, headers, body, headOnly, trailers }: Answer): void {
    const response = this.#response;
    body.on("error", (error) => this.#upstreams.log("debug", "an endpoint broke off", { error: error.message }));
    if (headOnly) {
      // Written as one with its end: gRPC tells by that whether there are trailers to wait for.
      response.statusCode = status;
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value as string | string[]);
      body.resume();
      response.end();
      return;
    }
    // HTTP/2 has no reason phrases.
    if ("stream" in response) response.writeHead(status, headers);
    else (response as ServerResponse).writeHead(status, reason, headers);
    body.on("close", () => {
      if (!body.readableEnded) this.#breakOff();
    });
    // What pipe does, whose bookkeeping would be a fifth of what a small request costs.
    body.on("data", (chunk: Buffer) => {
      if (!(response as ServerResponse).write(chunk)) body.pause();
    });
    response.on("drain", () => body.resume());
    body.on("end", () => {
      if (Object.keys(trailers()).length > 0) response.addTrailers(trailers() as Record<string, string>);
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
