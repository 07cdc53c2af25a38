import { type IncomingMessage, request, ServerResponse, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { endpointId } from "./endpoints.ts";
import { answer, authorityOf, mostAttempts, refusalOf, targetOf, type Upstreams } from "./forward.ts";
import { endToEnd, forwardedHeaders } from "./headers.ts";
import { whenConnected } from "./http1-call.ts";
import type { Backend } from "./routing.ts";

/** Clients of HTTP/1 may offer to go on in HTTP/2 without TLS; that is between them and us, and we stay with HTTP/1. */
export function wantsUpgrade(front: IncomingMessage): boolean {
  return !/^\s*h2c\b/i.test(front.headers.upgrade ?? "");
}

/** An answer in plain HTTP/1 to a request whose connection Node has handed over; the connection ends with it. */
export function plainResponse(front: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(front);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as never);
  response.on("finish", () => socket.end());
  return response;
}

function head(message: IncomingMessage): string {
  const headers = { ...endToEnd(message.headers), connection: "Upgrade", upgrade: message.headers.upgrade };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((it) => `${name}: ${it}\r\n`),
  );
  const status = message.statusCode as number;
  return `HTTP/1.1 ${status} ${message.statusMessage || STATUS_CODES[status]}\r\n${lines.join("")}\r\n`;
}

/** Hands a connection that leaves HTTP (WebSocket and others) to an endpoint, byte for byte, if the endpoint agrees. */
export function passUpgrade(
  front: IncomingMessage,
  socket: Duplex,
  firstBytes: Buffer,
  backendNow: () => Backend | undefined,
  proto: "http" | "https",
  upstreams: Upstreams,
): void {
  const { balancer, log, clock, timeouts } = upstreams;
  const tried = new Set<string>();
  let attempts = 0;
  const attempt = () => {
    const backend = backendNow();
    const refusal = refusalOf(backend);
    if (backend === undefined || refusal !== undefined) {
      answer(plainResponse(front, socket), ...(refusal ?? [404, "no Ingress leads here"]));
      return;
    }
    const endpoint = balancer.pick(backend.endpoints, tried);
    tried.add(endpointId(endpoint));
    attempts++;
    const origin = { address: front.socket.remoteAddress ?? "unknown", proto, authority: authorityOf(front) };
    const headers = {
      ...forwardedHeaders(front.headers, origin),
      connection: "Upgrade",
      upgrade: front.headers.upgrade,
    };
    const { address: host, port } = endpoint;
    const upstream = request({ host, port, method: front.method, path: targetOf(front), headers, agent: false });
    let connected = false;
    let settled = false;
    let released = false;
    const release = () => {
      if (!released) balancer.release(endpoint);
      released = true;
    };
    const giveUp = () => upstream.destroy();
    socket.once("close", giveUp);
    upstream.on("error", (error) => {
      release();
      socket.off("close", giveUp);
      log("debug", "an endpoint failed", { endpoint: endpointId(endpoint), error: error.message });
      if (settled || socket.destroyed) socket.destroy();
      else if (!connected && attempts < mostAttempts) attempt();
      else {
        const sentence = "the endpoint could not be reached, or broke off before it answered";
        answer(plainResponse(front, socket), 502, sentence);
      }
    });
    upstream.once("response", (message) => {
      settled = true;
      const response = plainResponse(front, socket);
      response.writeHead(message.statusCode as number, message.statusMessage, endToEnd(message.headers));
      message.pipe(response);
      message.on("close", release);
    });
    upstream.once("upgrade", (message, other, otherFirst) => {
      settled = true;
      other.on("error", (error) => log("debug", "an endpoint broke a connection", { error: error.message }));
      other.on("close", () => {
        release();
        socket.destroy();
      });
      socket.on("close", () => other.destroy());
      socket.write(head(message));
      if (otherFirst.length > 0) socket.write(otherFirst);
      if (firstBytes.length > 0) other.write(firstBytes);
      socket.pipe(other);
      other.pipe(socket);
    });
    whenConnected(upstream, { clock, connectMs: timeouts.connectMs }, () => {
      connected = true;
    });
    upstream.end();
  };
  attempt();
}
