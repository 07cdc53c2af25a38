import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";

/** A request to leave HTTP, as a server's `upgrade` event has it. */
export interface UpgradeRequest {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What the client said after its request already. */
  readonly head: Buffer;
}

/** The protocol an upgrade asks for, or undefined. */
export function upgradeOf({ headers }: IncomingMessage): "websocket" | "spdy" | undefined {
  const wanted = (headers.upgrade ?? "").toLowerCase();
  if (wanted === "websocket") return "websocket";
  return wanted === "spdy/3.1" ? "spdy" : undefined;
}

/** Answers an upgrade like any other request, and hangs up. */
export function refuseUpgrade(
  { socket }: UpgradeRequest,
  code: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const lines = Object.entries({
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": `${Buffer.byteLength(body)}`,
    Connection: "close",
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on("error", () => undefined); // the client went without waiting for the answer
  socket.end(`HTTP/1.1 ${code} ${reasons[code] ?? "Error"}\r\n${lines.join("")}\r\n${body}`);
}

const reasons: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  500: "Internal Server Error",
  501: "Not Implemented",
};

/** Offered protocols, in the client's order. */
export function offered(header: string | string[] | undefined): string[] {
  return [header ?? []]
    .flat()
    .flatMap((line) => line.split(","))
    .map((name) => name.trim())
    .filter((name) => name !== "");
}

/** A vanished peer is noticed after a few of these without an answer. */
const keepAliveMs = 30_000;

/** What is sent in a session is waited for: no delays; and a peer that has vanished is found out. */
export function tune(socket: Duplex): void {
  if (!(socket instanceof Socket)) return;
  socket.setNoDelay(true);
  socket.setKeepAlive(true, keepAliveMs);
  socket.setTimeout(0);
}

/** Of one message, as Go's library has it. kubectl sends 32 KiB at a time, others what they were given. */
const maxMessageBytes = 32 << 20;

/**
 * Accepts a WebSocket with the first offered protocol the server knows; "" stands for none. Undefined: there was no such protocol, and
 * the client has been told.
 */
export async function acceptWebSocket(
  upgrade: UpgradeRequest,
  supported: readonly string[],
): Promise<{ readonly socket: WebSocket; readonly protocol: string } | undefined> {
  const wanted = offered(upgrade.request.headers["sec-websocket-protocol"]);
  const protocol = wanted.length === 0 ? "" : wanted.find((name) => supported.includes(name));
  if (protocol === undefined || (protocol === "" && !supported.includes(""))) {
    const lists = `${JSON.stringify(wanted)}; supports ${JSON.stringify(supported.filter((name) => name !== ""))}`;
    refuseUpgrade(upgrade, 403, `requested protocol(s) are not supported: ${lists}`);
    return undefined;
  }
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
  });
  // "SPDY/3.1+portforward.k8s.io" is no token, strictly, and the library would refuse it: it is not shown what was negotiated here.
  const { "sec-websocket-protocol": _offers, ...headers } = upgrade.request.headers;
  upgrade.request.headers = headers;
  server.on("headers", (answer) => protocol !== "" && answer.push(`Sec-WebSocket-Protocol: ${protocol}`));
  const { promise, resolve } = Promise.withResolvers<{ socket: WebSocket; protocol: string } | undefined>();
  tune(upgrade.socket);
  // The library answers a handshake that is none by itself, and closes.
  upgrade.socket.once("close", () => resolve(undefined));
  server.handleUpgrade(upgrade.request, upgrade.socket, upgrade.head, (socket) => resolve({ socket, protocol }));
  return await promise;
}

/**
 * Accepts SPDY with the first offered version the server knows. Who offers none speaks the first one there ever was, "". Undefined: none fits, and the
 * client has been told.
 */
export function acceptSpdy(upgrade: UpgradeRequest, supported: readonly string[]): string | undefined {
  const wanted = offered(upgrade.request.headers["x-stream-protocol-version"]);
  const version = wanted.length === 0 ? "" : wanted.find((name) => supported.includes(name));
  if (version === undefined) {
    const list = (names: readonly string[]) => `[${names.join(" ")}]`;
    const message = `unable to upgrade: unable to negotiate protocol: client supports ${list(wanted)}, server accepts ${list(supported)}`;
    refuseUpgrade(upgrade, 403, message, { "X-Accepted-Stream-Protocol-Versions": supported.join(", ") });
    return undefined;
  }
  tune(upgrade.socket);
  const named = version === "" ? "" : `X-Stream-Protocol-Version: ${version}\r\n`;
  upgrade.socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n${named}\r\n`);
  if (upgrade.head.length > 0) upgrade.socket.unshift(upgrade.head);
  return version;
}
