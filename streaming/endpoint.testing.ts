import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { PassThrough, type Readable } from "node:stream";
import { onTestFinished } from "vitest";
import { type RawData, WebSocket } from "ws";
import type { UpgradeRequest } from "./accept.ts";

/** A server on a port of its own that gives every upgrade to `serve`, for as long as the test runs. Resolves with its URL, without a scheme. */
export async function endpoint(serve: (upgrade: UpgradeRequest) => unknown): Promise<string> {
  const open = new Set<Socket>();
  const server = createServer((_request, response) => response.writeHead(404).end("no such page"));
  server.on("connection", (socket) => open.add(socket.on("close", () => open.delete(socket))));
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    serve({ request, socket, head });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(async () => {
    for (const socket of open) socket.destroy();
    server.close();
    await once(server, "close");
  });
  return `//127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Two ends of one connection. */
export async function socketPair(options: { readonly allowHalfOpen?: boolean } = {}): Promise<[Socket, Socket]> {
  const { createServer: createTcpServer } = await import("node:net");
  const server = createTcpServer({ allowHalfOpen: true, ...options });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  const client = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
  const [other] = (await accepted) as [Socket];
  server.close();
  for (const socket of [client, other]) socket.on("error", () => undefined);
  onTestFinished(() => {
    client.destroy();
    other.destroy();
  });
  return [client, other];
}

/** A client that speaks in channels, by the bytes of their messages. */
export class ChannelClient {
  readonly socket: WebSocket;
  readonly #isText: boolean;
  readonly #channels = new Map<number, PassThrough>();

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.#isText = socket.protocol.includes("base64");
    socket.on("message", (message) => {
      const bytes = bytesOf(message);
      const [channel, data] = this.#isText
        ? [Number(String(bytes)[0]), Buffer.from(String(bytes.subarray(1)), "base64")]
        : [bytes[0] as number, bytes.subarray(1)];
      this.channel(channel).write(data);
    });
    socket.on("close", () => {
      for (const channel of this.#channels.values()) channel.end();
    });
  }

  static async open(url: string, protocols: readonly string[]): Promise<ChannelClient> {
    const socket = new WebSocket(url, [...protocols]);
    const client = new Promise<ChannelClient>((resolve, reject) => {
      socket.on("open", () => resolve(new ChannelClient(socket)));
      socket.on("error", reject);
    });
    onTestFinished(() => socket.terminate());
    return await client;
  }

  channel(number: number): PassThrough {
    const known = this.#channels.get(number);
    if (known !== undefined) return known;
    const channel = new PassThrough({ highWaterMark: 1 << 30 });
    this.#channels.set(number, channel);
    if (this.socket.readyState === this.socket.CLOSED) channel.end();
    return channel;
  }

  say(channel: number, data: Uint8Array | string): void {
    const bytes = Buffer.from(data);
    if (this.#isText) this.socket.send(`${channel}${bytes.toString("base64")}`);
    else this.socket.send(Buffer.concat([Uint8Array.of(channel), bytes]));
  }
}

function bytesOf(message: RawData): Buffer {
  if (Array.isArray(message)) return Buffer.concat(message);
  return Buffer.isBuffer(message) ? message : Buffer.from(message);
}

/** All that is said until its end. */
export async function textOf(stream: Readable): Promise<string> {
  return String(await bytesFrom(stream));
}

export async function bytesFrom(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The first `length` bytes; the rest stays. */
export async function take(stream: Readable, length: number): Promise<string> {
  for (;;) {
    const chunk = stream.read(length) as Buffer | null;
    if (chunk !== null) return String(chunk);
    await once(stream, "readable");
  }
}
