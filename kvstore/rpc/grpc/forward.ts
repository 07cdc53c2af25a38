import { request as httpRequest, type IncomingMessage, type Server } from "node:http";
import { duplexPair } from "node:stream";
import type { HeaderBlock, OutgoingHeader } from "../../../proto/mod.ts";
import { setPeer } from "./peer.ts";
import type { Peer } from "./types.ts";

/** Where the response goes. */
export interface ForwardTarget {
  head(headers: OutgoingHeader[]): void;
  /** False: call `resume` before more is wanted. */
  body(chunk: Uint8Array): boolean;
  end(): void;
  abort(): void;
}

export interface ForwardedRequest {
  receive(chunk: Uint8Array, end: boolean): void;
  resume(): void;
  abort(): void;
}

/** They describe a connection, not a message. */
const hopByHop = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]);

/**
 * Has a plain HTTP/2 request answered by an HTTP/1.1 server, over a pipe in memory: curl and Prometheus choose HTTP/2
 * where TLS offers it, and there is one handler for both. Rare, so that its cost does not matter.
 */
export function forwardRequest(
  server: Server,
  block: HeaderBlock,
  peer: Peer,
  target: ForwardTarget,
): ForwardedRequest {
  const [client, remote] = duplexPair();
  setPeer(remote, peer);
  server.emit("connection", remote);
  const headers: Record<string, string> = { host: block.authority ?? "", connection: "close" };
  for (const { name, value } of block.fields) headers[name] = value;
  const request = httpRequest({ createConnection: () => client, method: block.method, path: block.path, headers });
  let response: IncomingMessage | undefined;
  let aborted = false;
  const abort = () => {
    if (aborted) return;
    aborted = true;
    target.abort();
  };
  request.on("error", abort);
  request.on("response", (message) => {
    response = message;
    target.head(responseHead(message));
    message.on("data", (chunk: Uint8Array) => {
      if (!target.body(chunk)) message.pause();
    });
    message.on("end", () => target.end());
    message.on("error", abort);
  });
  return {
    receive(chunk, end) {
      if (chunk.length > 0) request.write(chunk);
      if (end) request.end();
    },
    resume: () => void response?.resume(),
    abort() {
      aborted = true;
      request.destroy();
    },
  };
}

function responseHead(message: IncomingMessage): OutgoingHeader[] {
  const headers: OutgoingHeader[] = [{ name: ":status", value: String(message.statusCode) }];
  for (let i = 0; i < message.rawHeaders.length; i += 2) {
    const name = (message.rawHeaders[i] as string).toLowerCase();
    if (!hopByHop.has(name)) headers.push({ name, value: message.rawHeaders[i + 1] as string, varies: true });
  }
  return headers;
}
