import type { Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import type { Clock } from "../base/mod.ts";
import { acceptSpdy, acceptWebSocket, type UpgradeRequest, upgradeOf } from "./accept.ts";
import { Channels } from "./channels.ts";
import { sentenceOf, statusOf } from "./command-status.ts";
import { Resizes, readSizes } from "./resize.ts";
import { SpdyConnection, type SpdyDuplex } from "./spdy-connection.ts";
import type { CommandResult, RemoteCommand, WantedStreams } from "./streams.ts";

/** Versions of the protocol over SPDY, and over WebSocket, where the first three are one. */
const spdyVersions = ["v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"];
const webSocketVersions = [
  "v5.channel.k8s.io",
  "v4.channel.k8s.io",
  "v4.base64.channel.k8s.io",
  "v3.channel.k8s.io",
  "v2.channel.k8s.io",
  "channel.k8s.io",
  "base64.channel.k8s.io",
  "",
];

/** A client that opened a session has this long to open its streams. */
const streamsWithinMs = 30_000;

/**
 * Opens a session of `exec` or `attach` with whatever protocol the client speaks. Undefined: none that is known, or the client went
 * away meanwhile; it has been answered.
 */
export function acceptRemoteCommand(
  upgrade: UpgradeRequest,
  wanted: WantedStreams,
  clock: Clock,
): Promise<RemoteCommand | undefined> {
  return upgradeOf(upgrade.request) === "websocket"
    ? acceptOverWebSocket(upgrade, wanted)
    : acceptOverSpdy(upgrade, wanted, clock);
}

async function acceptOverWebSocket(upgrade: UpgradeRequest, wanted: WantedStreams): Promise<RemoteCommand | undefined> {
  const accepted = await acceptWebSocket(upgrade, webSocketVersions);
  if (accepted === undefined) return undefined;
  const { protocol } = accepted;
  const channels = new Channels(accepted.socket, {
    encoding: protocol.includes("base64") ? "base64" : "binary",
    closes: protocol.startsWith("v5."),
  });
  const resizes = new Resizes();
  if (wanted.tty) readSizes(channels.readable(4), (size) => resizes.add(size));
  const stdout = wanted.stdout ? channels.writable(1) : undefined;
  const stderr = wanted.stderr ? channels.writable(2) : undefined;
  // An empty message tells clients that wait for one that the session is open.
  channels.send(wanted.stdout ? 1 : wanted.stderr ? 2 : 3, new Uint8Array(0));
  return {
    streams: {
      stdin: wanted.stdin ? channels.readable(0) : undefined,
      stdout,
      stderr,
      onResize: (listener) => resizes.listen(listener),
      signal: channels.signal,
    },
    async finish(result) {
      await Promise.all([ended(stdout), ended(stderr)]);
      const text = statusText(protocol, result);
      if (text !== "") channels.send(3, Buffer.from(text));
      channels.close();
    },
  };
}

async function acceptOverSpdy(
  upgrade: UpgradeRequest,
  wanted: WantedStreams,
  clock: Clock,
): Promise<RemoteCommand | undefined> {
  const version = acceptSpdy(upgrade, spdyVersions);
  if (version === undefined) return undefined;
  const streams = new Map<string, SpdyDuplex>();
  const complete = Promise.withResolvers<boolean>();
  const expected = expectedStreams(version, wanted);
  const connection = new SpdyConnection(upgrade.socket, {
    role: "server",
    onStream(stream, headers) {
      const type = headers.get("streamtype") ?? "";
      if (!expected.includes(type) || streams.has(type)) return void stream.destroy();
      streams.set(type, stream);
      if (streams.size === expected.length) complete.resolve(true);
    },
  });
  connection.signal.addEventListener("abort", () => complete.resolve(false), { once: true });
  const timer = clock.after(streamsWithinMs, () => complete.resolve(false));
  const isComplete = await complete.promise;
  timer.cancel();
  if (!isComplete) {
    connection.close();
    return undefined;
  }
  const resizes = new Resizes();
  const resize = streams.get("resize");
  if (resize !== undefined) readSizes(resize, (size) => resizes.add(size));
  const error = streams.get("error");
  const [stdin, stdout, stderr] = [streams.get("stdin"), streams.get("stdout"), streams.get("stderr")];
  // What a client says where only we speak is of no interest, but must not fill up.
  for (const stream of [error, stdout, stderr]) stream?.resume();
  return {
    streams: {
      stdin: stdin as Readable | undefined,
      stdout: stdout as Writable | undefined,
      stderr: stderr as Writable | undefined,
      onResize: (listener) => resizes.listen(listener),
      signal: connection.signal,
    },
    async finish(result) {
      await Promise.all([ended(stdout), ended(stderr)]);
      error?.write(statusText(version, result));
      await ended(error);
      connection.close();
    },
  };
}

/** The first version has an error stream, and resizing came with the third. */
function expectedStreams(version: string, wanted: WantedStreams): readonly string[] {
  const canResize = version.startsWith("v3.") || version.startsWith("v4.");
  return [
    "error",
    ...(wanted.stdin ? ["stdin"] : []),
    ...(wanted.stdout ? ["stdout"] : []),
    ...(wanted.stderr ? ["stderr"] : []),
    ...(wanted.tty && canResize ? ["resize"] : []),
  ];
}

function statusText(version: string, result: CommandResult): string {
  return /^v[45]\./.test(version) ? JSON.stringify(statusOf(result)) : sentenceOf(result);
}

/** Resolves when all that was written has left, or never can. */
async function ended(stream: Writable | undefined): Promise<void> {
  if (stream === undefined || stream.destroyed) return;
  stream.end();
  try {
    await finished(stream, { readable: false });
  } catch {
    // The client went: nobody is left to hear of it.
  }
}
