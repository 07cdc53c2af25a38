import { readFile } from "node:fs/promises";
import type { Clock, Random } from "../../base/mod.ts";
import type { Status } from "../api/mod.ts";
import { ApiError } from "./api-error.ts";
import { Http1Transport } from "./http1-transport.ts";
import { Http2Transport } from "./http2-transport.ts";
import type { Connection } from "./kubeconfig.ts";
import { TokenBucket } from "./rate-limiter.ts";
import { sleep } from "./sleep.ts";
import { systemClock, systemRandom } from "./system.ts";
import { type Transport, TransportError, type TransportResponse } from "./transport.ts";

export interface HttpClientOptions {
  /** Sent as User-Agent; up to the first "/" it is the field manager of what we write. */
  readonly userAgent?: string;
  /** Requests a second and burst; no limit when absent. */
  readonly rateLimit?: { readonly perSecond: number; readonly burst: number };
  /** Carries the requests instead of a network connection. */
  readonly transport?: Transport;
  readonly clock?: Clock;
  readonly random?: Random;
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface RequestOptions {
  readonly query?: Query;
  /** An object is sent as JSON; text and bytes as they are. */
  readonly body?: unknown;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** Default `application/json`. */
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** For the whole exchange with its answer; default 60 s. Streams have none. */
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 60_000;
/** As client-go: ten tries when the server says when to come back. */
const maxRetries = 10;
/**
 * While nothing listens (a server that restarts) a request is tried again for three to six seconds; often enough that nobody
 * waits much longer than the server needs.
 */
const connectDelaysMs = [50, 100, 200, 400, 400, 400, 400, 400, 400, 400];
/** What passes by itself. A certificate that is refused stays refused. */
const passing = new Set(["ECONNREFUSED", "ECONNRESET", "ENOENT", "EPIPE", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT"]);
const tokenFileFreshMs = 60_000;

/** Requests to one API server with our identity: JSON in and out, failures as ApiError or TransportError, retries where they are safe. */
export class HttpClient {
  readonly #connection: Connection;
  readonly #transport: Transport;
  readonly #userAgent: string;
  readonly #limiter: TokenBucket | undefined;
  readonly #clock: Clock;
  readonly #random: Random;
  #fileToken: { readonly token: string; readonly readAtMs: number } | undefined;

  constructor(connection: Connection, options: HttpClientOptions = {}) {
    this.#connection = connection;
    this.#transport =
      options.transport ??
      (connection.server.startsWith("https:") ? new Http2Transport(connection) : new Http1Transport(connection));
    this.#userAgent = options.userAgent ?? "flotilla";
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#limiter =
      options.rateLimit && new TokenBucket(options.rateLimit.perSecond, options.rateLimit.burst, this.#clock);
  }

  /** Sends and reads a JSON answer. Throws ApiError, TransportError, or the signal's reason. */
  async json<T>(method: string, path: string, options: RequestOptions = {}): Promise<T> {
    return JSON.parse(await this.text(method, path, options)) as T;
  }

  /** Sends and reads the answer as text. */
  async text(method: string, path: string, options: RequestOptions = {}): Promise<string> {
    const aborter = new AbortController();
    const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
    const timer = this.#clock.after(timeoutMs, () => {
      aborter.abort(
        new TransportError(`${method} ${path}: no answer within ${timeoutMs} ms`, { code: "ETIMEDOUT", sent: true }),
      );
    });
    const onAbort = () => aborter.abort(options.signal?.reason);
    if (options.signal?.aborted) onAbort();
    options.signal?.addEventListener("abort", onAbort, { once: true });
    try {
      const response = await this.stream(method, path, { ...options, signal: aborter.signal });
      return await readText(response);
    } finally {
      timer.cancel();
      options.signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Sends and hands out the answer's body as it comes. Throws as `json` does when the answer is a failure. */
  async stream(method: string, path: string, options: RequestOptions = {}): Promise<TransportResponse> {
    const delayMs = this.#limiter?.reserve() ?? 0;
    if (delayMs > 0) await sleep(this.#clock, delayMs, options.signal);
    for (let retries = 0, refused = 0; ; ) {
      try {
        return await this.#once(method, path, options);
      } catch (error) {
        const waitMs = this.#retryDelayMs(error, method, retries, refused);
        if (waitMs === undefined) throw error;
        if (error instanceof ApiError) retries++;
        else refused++;
        await sleep(this.#clock, waitMs, options.signal);
      }
    }
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  /** Undefined: do not try again. */
  #retryDelayMs(error: unknown, method: string, retries: number, refused: number): number | undefined {
    // The server names a time only when it did nothing (429, and 503 or 500 that say so).
    if (error instanceof ApiError) return retries < maxRetries ? error.retryAfterMs : undefined;
    if (!(error instanceof TransportError)) return undefined;
    const unsent = !error.sent && (passing.has(error.code) || error.code.startsWith("ERR_HTTP2"));
    const reading = error.sent && method === "GET" && error.code !== "ETIMEDOUT";
    const delayMs = connectDelaysMs[refused];
    if (!(unsent || reading) || delayMs === undefined) return undefined;
    return delayMs + this.#random.below(delayMs);
  }

  async #once(method: string, path: string, options: RequestOptions): Promise<TransportResponse> {
    const { body } = options;
    const headers: Record<string, string> = {
      accept: options.accept ?? "application/json",
      "user-agent": this.#userAgent,
    };
    const token = await this.#token();
    if (token !== undefined) headers.authorization = `Bearer ${token}`;
    if (body !== undefined) headers["content-type"] = options.contentType ?? "application/json";
    const response = await this.#transport.request({
      method,
      path: path + queryString(options.query),
      headers,
      body: body === undefined || typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
      signal: options.signal,
    });
    if (response.status >= 200 && response.status < 300) return response;
    throw apiError(response, await readText(response));
  }

  async #token(): Promise<string | undefined> {
    const { token, tokenFile } = this.#connection;
    if (tokenFile === undefined) return token;
    const now = this.#clock.monotonic();
    if (this.#fileToken === undefined || now - this.#fileToken.readAtMs > tokenFileFreshMs) {
      this.#fileToken = { token: (await readFile(tokenFile, "utf8")).trim(), readAtMs: now };
    }
    return this.#fileToken.token;
  }
}

function queryString(query: Query = {}): string {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) pairs.append(name, String(value));
  const text = pairs.toString();
  return text === "" ? "" : `?${text}`;
}

async function readText(response: TransportResponse): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

/** A failure that is not a Status (a proxy's page, a plain text) becomes one. */
function apiError(response: TransportResponse, body: string): ApiError {
  const seconds = Number(response.headers["retry-after"] ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : undefined;
  try {
    const status = JSON.parse(body) as Status;
    if (status.kind === "Status")
      return new ApiError({ ...status, code: status.code ?? response.status }, retryAfterMs);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const message = body.trim().slice(0, 1000) || `the server answered with HTTP status ${response.status}`;
  return new ApiError(
    { apiVersion: "v1", kind: "Status", metadata: {}, status: "Failure", code: response.status, message },
    retryAfterMs,
  );
}
