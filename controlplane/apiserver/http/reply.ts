import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { gzip } from "node:zlib";
import { assert } from "../../../base/mod.ts";
import type { UpgradeRequest } from "../../../streaming/mod.ts";
import type { AnyRequest, AnyResponse } from "./listener.ts";

/** What a handler answers; how it reaches the client is decided here. */
export type Reply =
  | {
      readonly kind: "body";
      readonly code: number;
      readonly contentType: string;
      readonly body: Uint8Array | string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: "stream";
      readonly contentType: string;
      readonly headers?: Readonly<Record<string, string>>;
      /** Writes until it returns or the sink's signal fires. */
      readonly pump: (sink: Sink) => Promise<void>;
    }
  /** The answer of another server, as it comes. */
  | {
      readonly kind: "passed";
      readonly code: number;
      readonly headers: Readonly<Record<string, string | string[]>>;
      readonly body: Readable;
    }
  /** The connection leaves HTTP: only for requests that ask for it. Never rejects. */
  | { readonly kind: "session"; readonly code: 101; readonly serve: (upgrade: UpgradeRequest) => Promise<void> };

/** The client's end of a stream. */
export interface Sink {
  /** False: the client reads slower than this is written; `drained` says when to go on. */
  write(chunk: Uint8Array | string): boolean;
  drained(): Promise<void>;
  /** The client went away, or the server is shutting down. */
  readonly signal: AbortSignal;
}

export function json(code: number, value: unknown, headers?: Record<string, string>): Reply & { kind: "body" } {
  return { kind: "body", code, contentType: "application/json", body: JSON.stringify(value), headers };
}

export function text(code: number, body: string): Reply {
  return { kind: "body", code, contentType: "text/plain; charset=utf-8", body };
}

/** Below this size compressing costs more than it saves (as in kube-apiserver). */
const GZIP_FROM_BYTES = 128 * 1024;

export async function send(
  request: AnyRequest,
  response: AnyResponse,
  reply: Reply,
  common: Readonly<Record<string, string | string[]>>,
  signal: AbortSignal,
): Promise<void> {
  // A stream that was asked for while the server stops has nothing to say: its client tries elsewhere.
  if (signal.aborted) return void response.destroy();
  assert(reply.kind !== "session", "only a request that asks for a session gets one");
  if (reply.kind === "passed") return pass(request, response, reply);
  for (const [name, value] of Object.entries({ ...common, ...reply.headers })) response.setHeader(name, value);
  response.setHeader("Content-Type", reply.contentType);
  if (reply.kind === "stream") return stream(response, reply.pump, signal);
  response.statusCode = reply.code;
  let body: Uint8Array = typeof reply.body === "string" ? Buffer.from(reply.body) : reply.body;
  if (body.length > GZIP_FROM_BYTES && /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""))) {
    body = await compress(body);
    response.setHeader("Content-Encoding", "gzip");
    response.setHeader("Vary", reply.headers?.Vary ? `${reply.headers.Vary}, Accept-Encoding` : "Accept-Encoding");
  }
  response.setHeader("Content-Length", body.length);
  response.end(request.method === "HEAD" ? undefined : body);
}

async function pass(request: AnyRequest, response: AnyResponse, reply: Reply & { kind: "passed" }): Promise<void> {
  for (const [name, value] of Object.entries(reply.headers)) response.setHeader(name, value);
  response.statusCode = reply.code;
  if (request.method === "HEAD") {
    reply.body.destroy();
    return void response.end();
  }
  response.flushHeaders();
  try {
    await pipeline(reply.body, response);
  } catch {
    response.destroy(); // it broke off, on either side: half an answer must not look whole
  }
}

function compress(body: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    gzip(body, { level: 1 }, (error, result) => (error ? reject(error) : resolve(result))),
  );
}

async function stream(response: AnyResponse, pump: (sink: Sink) => Promise<void>, signal: AbortSignal): Promise<void> {
  response.statusCode = 200;
  // Clients wait for the headers, be there an event or not.
  response.flushHeaders();
  await pump({
    write: (chunk) => !signal.aborted && response.write(chunk),
    drained: () => drained(response, signal),
    signal,
  });
  response.end();
}

function drained(response: AnyResponse, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    response.on("drain", done);
    signal.addEventListener("abort", done);
  });
}
