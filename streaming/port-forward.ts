import { Duplex, type Writable } from "node:stream";
import { createWebSocketStream } from "ws";
import type { Clock } from "../base/mod.ts";
import { acceptSpdy, acceptWebSocket, refuseUpgrade, type UpgradeRequest, upgradeOf } from "./accept.ts";
import { Channels } from "./channels.ts";
import { join } from "./join.ts";
import { EngineRefusal } from "./spdy-client.ts";
import { SpdyConnection, type SpdyDuplex } from "./spdy-connection.ts";

export interface PortForwardOptions {
  /** Connects to a port of the pod. */
  readonly dial: (port: number) => Promise<Duplex>;
  /** The sentence a client is told when forwarding a port failed. */
  readonly describe: (port: number, error: Error) => string;
  readonly clock: Clock;
}

const spdyVersion = "portforward.k8s.io";
/** SPDY in the messages of a WebSocket: what kubectl speaks since 1.31. */
const tunnel = "SPDY/3.1+portforward.k8s.io";
const channelVersions = ["v4.channel.k8s.io", "v4.base64.channel.k8s.io", "v5.channel.k8s.io", "channel.k8s.io", ""];
const mostPorts = 64;

/** The second stream of a pair must follow the first within this time. */
const pairWithinMs = 30_000;

/** What a client may still have to say when the pod has ended the connection. */
const lastWordsMs = 1_000;

/** Serves `portforward` in whatever protocol the client speaks; resolves when the session is over. Never rejects. */
export async function servePortForward(upgrade: UpgradeRequest, options: PortForwardOptions): Promise<void> {
  if (upgradeOf(upgrade.request) === "spdy") {
    if (acceptSpdy(upgrade, [spdyVersion]) === undefined) return;
    return await serveStreams(upgrade.socket, options);
  }
  const wanted = portsOf(upgrade.request.url ?? "");
  const isTunnel = (upgrade.request.headers["sec-websocket-protocol"] ?? "").includes(tunnel);
  if (!isTunnel && wanted instanceof Error) return refuseUpgrade(upgrade, 400, wanted.message);
  const accepted = await acceptWebSocket(upgrade, isTunnel ? [tunnel] : channelVersions);
  if (accepted === undefined) return;
  if (isTunnel) return await serveStreams(createWebSocketStream(accepted.socket), options);
  const encoding = accepted.protocol.includes("base64") ? "base64" : "binary";
  const channels = new Channels(accepted.socket, { encoding, closes: accepted.protocol.startsWith("v5.") });
  await serveChannels(channels, wanted as readonly number[], options);
}

/** For each connection of the client a pair of streams of one request id: errors and data. */
async function serveStreams(transport: Duplex, options: PortForwardOptions): Promise<void> {
  const halves = new Map<string, { readonly type: string; readonly stream: SpdyDuplex }>();
  const over = Promise.withResolvers<void>();
  const connection = new SpdyConnection(transport, {
    role: "server",
    onStream(stream, headers) {
      const type = headers.get("streamtype") ?? "";
      const port = Number(headers.get("port"));
      if ((type !== "error" && type !== "data") || !isPort(port)) return void stream.destroy();
      // Very old clients number no requests: their error stream comes right before the data.
      const id = headers.get("requestid") ?? `${stream.stream.id - (type === "data" ? 2 : 0)}`;
      const other = halves.get(id);
      if (other === undefined) {
        halves.set(id, { type, stream });
        options.clock.after(pairWithinMs, () => {
          if (halves.get(id)?.stream !== stream) return;
          halves.delete(id);
          stream.destroy();
        });
        return;
      }
      halves.delete(id);
      if (other.type === type) return void stream.destroy();
      const [error, data] = type === "error" ? [stream, other.stream] : [other.stream, stream];
      error.resume();
      void forward(port, data, error, options);
    },
  });
  connection.signal.addEventListener("abort", () => over.resolve(), { once: true });
  await over.promise;
}

/** Two channels a port, 2i for data and 2i+1 for errors; each begins with the port's number, low byte first. */
async function serveChannels(channels: Channels, ports: readonly number[], options: PortForwardOptions): Promise<void> {
  const all = ports.map(async (port, i) => {
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    channels.send(2 * i, number);
    channels.send(2 * i + 1, number);
    const data = Duplex.from({ readable: channels.readable(2 * i), writable: channels.writable(2 * i) });
    data.on("error", () => undefined); // that it was destroyed before its end
    channels.signal.addEventListener("abort", () => data.destroy(), { once: true });
    // A channel cannot say that it has ended: when all that the pod had to say has left, not much more is to be expected.
    data.once("finish", () => options.clock.after(lastWordsMs, () => data.destroy()));
    await forward(port, data, channels.writable(2 * i + 1), options);
  });
  await Promise.all(all);
  channels.close();
}

/** One connection, until both sides have ended. What went wrong is written to `error`, which ends in any case. */
async function forward(port: number, data: Duplex, error: Writable, options: PortForwardOptions): Promise<void> {
  try {
    const target = await options.dial(port);
    await join(data, target);
    if (target.errored instanceof EngineRefusal) throw target.errored;
  } catch (reason) {
    error.write(options.describe(port, reason as Error));
    data.destroy();
  }
  error.end();
}

function portsOf(url: string): readonly number[] | Error {
  const { searchParams } = new URL(url, "http://kubelet.invalid");
  const texts = [...searchParams.getAll("port"), ...searchParams.getAll("ports")].flatMap((text) => text.split(","));
  if (texts.length === 0) return new Error('query parameter "port" is required');
  const ports = texts.map(Number);
  const wrong = texts.find((_text, i) => !isPort(ports[i] as number));
  if (wrong !== undefined) return new Error(`unable to parse ${JSON.stringify(wrong)} as a port`);
  return ports.length <= mostPorts ? ports : new Error(`more than ${mostPorts} ports`);
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port <= 65_535;
}
