import { createSocket } from "node:dgram";
import { createConnection, isIPv6 } from "node:net";

export type Transport = "udp" | "tcp";

export interface UpstreamAddress {
  readonly host: string;
  readonly port: number;
}

/** `10.0.0.1`, `10.0.0.1:5353`, `[fd00::1]:53` or `fd00::1`. */
export function upstreamAddress(text: string): UpstreamAddress {
  if (isIPv6(text)) return { host: text, port: 53 };
  const [, bracketed, plain, port = "53"] = /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(text) ?? [];
  return { host: bracketed ?? plain ?? text, port: Number(port) };
}

/** Whether the bytes answer the query: same id, same question in the same spelling (RFC 5452 §9.1). */
function answers(query: Buffer, response: Buffer): boolean {
  if (response.length < 12 || response.readUInt16BE(0) !== query.readUInt16BE(0)) return false;
  if ((response.readUInt16BE(2) & 0x8000) === 0) return false;
  // Servers that refuse without having understood repeat no question.
  if (response.readUInt16BE(4) === 0) return (response.readUInt16BE(2) & 0x0f) !== 0;
  let end = 12;
  for (let length = query[end] ?? 0; length !== 0; length = query[end] ?? 0) end += length + 1;
  return response.subarray(12, end + 5).equals(query.subarray(12, end + 5));
}

/** Asks one server once. Rejects when it cannot be reached or the signal aborts. */
export function ask(
  server: UpstreamAddress,
  query: Buffer,
  transport: Transport,
  signal: AbortSignal,
): Promise<Buffer> {
  return transport === "udp" ? askByUdp(server, query, signal) : askByTcp(server, query, signal);
}

/** A socket a query, hence a port a query: harder to forge an answer for (RFC 5452 §4.5). */
function askByUdp({ host, port }: UpstreamAddress, query: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
    const settle = (act: () => void) => {
      signal.removeEventListener("abort", onAbort);
      socket.removeAllListeners();
      socket.on("error", () => undefined); // An ICMP error that comes late concerns nobody any more.
      socket.close();
      act();
    };
    const onAbort = () => settle(() => reject(signal.reason));
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("error", (error) => settle(() => reject(error)));
    socket.on("message", (bytes) => {
      if (answers(query, bytes)) settle(() => resolve(bytes));
    });
    // Connected, the kernel drops datagrams from anybody else.
    socket.connect(port, host, () => socket.send(query));
  });
}

function askByTcp({ host, port }: UpstreamAddress, query: Buffer, signal: AbortSignal): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port });
    let received = Buffer.alloc(0);
    const settle = (act: () => void) => {
      signal.removeEventListener("abort", onAbort);
      socket.destroy();
      act();
    };
    const onAbort = () => settle(() => reject(signal.reason));
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("error", (error) => settle(() => reject(error)));
    socket.on("close", () => settle(() => reject(new Error("the server closed the connection without an answer"))));
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const bytes = received.subarray(2, 2 + received.readUInt16BE(0));
      if (answers(query, bytes)) settle(() => resolve(bytes));
      else settle(() => reject(new Error("the server answered another question")));
    });
    socket.write(framed(query));
  });
}

/** A message as it travels over TCP: two bytes of length first (RFC 1035 §4.2.2). */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}
