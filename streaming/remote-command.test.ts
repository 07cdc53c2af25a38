import { once } from "node:events";
import { connect } from "node:net";
import { PassThrough, type Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { VirtualClock } from "../base/mod.ts";
import { bytesFrom, ChannelClient, endpoint, take, textOf } from "./endpoint.testing.ts";
import { acceptRemoteCommand } from "./remote-command.ts";
import { requestUpgrade } from "./request-upgrade.ts";
import { SpdyConnection, type SpdyDuplex } from "./spdy-connection.ts";
import type { CommandResult, RemoteCommand, TerminalSize, WantedStreams } from "./streams.ts";

afterEach(() => void vi.useRealTimers());

const all: WantedStreams = { tty: false, stdin: true, stdout: true, stderr: true };
const terminal: WantedStreams = { tty: true, stdin: true, stdout: true, stderr: false };
const exited: CommandResult = { kind: "exited", code: 0, message: "" };

/** A client's end of a session. */
interface Client {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Ends with the session. */
  readonly error: Readable;
  resize(size: TerminalSize): void;
  /** Reads no more, or again. */
  pause(): void;
  resume(): void;
  /** Goes without a word. */
  vanish(): void;
}

async function overWebSocket(url: string, protocols: readonly string[]): Promise<Client> {
  const client = await ChannelClient.open(`ws:${url}`, protocols);
  const stdin = new PassThrough();
  stdin.on("data", (chunk: Buffer) => client.say(0, chunk));
  stdin.on("end", () => client.socket.protocol.startsWith("v5.") && client.say(255, Uint8Array.of(0)));
  return {
    stdin,
    stdout: client.channel(1),
    stderr: client.channel(2),
    error: client.channel(3),
    resize: ({ width, height }) => client.say(4, JSON.stringify({ Width: width, Height: height })),
    pause: () => client.socket.pause(),
    resume: () => client.socket.resume(),
    vanish: () => client.socket.terminate(),
  };
}

async function openSpdy(url: string, version: string) {
  const { hostname: host, port } = new URL(`http:${url}`);
  const named = version === "" ? {} : { "X-Stream-Protocol-Version": version };
  const headers = { Connection: "Upgrade", Upgrade: "SPDY/3.1", ...named };
  const answer = await requestUpgrade({ secure: false, host, port, method: "POST", headers });
  if (answer.kind === "answered") throw new Error(await textOf(answer.response));
  expect(answer.response.headers["x-stream-protocol-version"]).toBe(version === "" ? undefined : version);
  const connection = new SpdyConnection(answer.socket, { role: "client" });
  onTestFinished(() => connection.close());
  return { connection, socket: answer.socket };
}

async function overSpdy(url: string, version: string, wanted: WantedStreams): Promise<Client> {
  const { connection, socket } = await openSpdy(url, version);
  const open = async (isWanted: boolean, type: string) =>
    isWanted ? await connection.open([["streamtype", type]]) : (undefined as unknown as SpdyDuplex);
  const error = await open(true, "error");
  const stdin = await open(wanted.stdin, "stdin");
  const stdout = await open(wanted.stdout, "stdout");
  const stderr = await open(wanted.stderr, "stderr");
  const resize = await open(wanted.tty && /^v[34]\./.test(version), "resize");
  for (const stream of [stdin, resize]) stream?.resume();
  return {
    stdin,
    stdout,
    stderr,
    error,
    resize: ({ width, height }) => resize.write(JSON.stringify({ Width: width, Height: height })),
    pause: () => undefined, // what nobody takes from a stream stops its connection
    resume: () => undefined,
    vanish: () => socket.destroy(),
  };
}

type Open = (url: string, wanted: WantedStreams) => Promise<Client>;
const webSocket = (name: string): [string, Open] => [
  `WebSocket, ${name || "no version"}`,
  (url) => overWebSocket(url, name === "" ? [] : [name]),
];
const spdy = (name: string): [string, Open] => [
  `SPDY, ${name || "no version"}`,
  (url, wanted) => overSpdy(url, name, wanted),
];
const webSockets = [
  webSocket("v5.channel.k8s.io"),
  webSocket("v4.channel.k8s.io"),
  webSocket("v4.base64.channel.k8s.io"),
  webSocket("v3.channel.k8s.io"),
  webSocket("v2.channel.k8s.io"),
  webSocket("channel.k8s.io"),
  webSocket("base64.channel.k8s.io"),
  webSocket(""),
];
const spdys = [
  spdy("v4.channel.k8s.io"),
  spdy("v3.channel.k8s.io"),
  spdy("v2.channel.k8s.io"),
  spdy("channel.k8s.io"),
  spdy(""),
];
const protocols = [...webSockets, ...spdys];
const hasStatus = (protocol: string) => /v[45]\./.test(protocol);
/** Protocols in which the end of input can be said. */
const withEnd = [webSockets[0] as [string, Open], ...spdys];

/** A session with both its ends. */
async function session(
  open: Open,
  wanted = all,
  clock = new VirtualClock(),
): Promise<{ client: Client; server: RemoteCommand }> {
  const server = Promise.withResolvers<RemoteCommand | undefined>();
  const url = await endpoint((upgrade) => {
    acceptRemoteCommand(upgrade, wanted, clock).then(server.resolve, server.reject);
  });
  const client = await open(url, wanted);
  const accepted = await server.promise;
  if (accepted === undefined) throw new Error("there is no session");
  return { client, server: accepted };
}

describe.each(protocols)("over %s", (protocol, open) => {
  test("each stream carries what was said on it; the exit code comes last", async () => {
    const { client, server } = await session(open);
    const { stdin, stdout, stderr } = server.streams;
    client.stdin.write("input");
    expect(await take(stdin as Readable, 5)).toBe("input");
    stdout?.write("output");
    stderr?.write("complaint");
    const finished = server.finish({ kind: "exited", code: 7, message: "exit code 7" });
    expect(await textOf(client.stdout)).toBe("output");
    expect(await textOf(client.stderr)).toBe("complaint");
    const words = await textOf(client.error);
    if (hasStatus(protocol)) expect(JSON.parse(words).details.causes).toEqual([{ reason: "ExitCode", message: "7" }]);
    else expect(words).toBe("command terminated with non-zero exit code: exit code 7");
    await finished;
  });

  test("success is a Status, or no word at all", async () => {
    const { client, server } = await session(open);
    void server.finish(exited);
    const words = await textOf(client.error);
    if (hasStatus(protocol)) expect(JSON.parse(words).status).toBe("Success");
    else expect(words).toBe("");
  });

  test("a client that vanishes ends its streams and fires the signal", async () => {
    const { client, server } = await session(open);
    const gone = once(server.streams.signal, "abort");
    client.vanish();
    await gone;
    // Who goes on writing and ends the session has no trouble.
    server.streams.stdout?.write("nobody hears");
    await server.finish(exited);
  });

  test("a megabyte there and back is the same", async () => {
    const { client, server } = await session(open);
    const bytes = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
    const { stdin, stdout } = server.streams as { stdin: Readable; stdout: Writable };
    stdin.pipe(stdout);
    client.stdin.write(bytes);
    let heard = Buffer.alloc(0);
    while (heard.length < bytes.length) {
      if (client.stdout.readableLength === 0) await once(client.stdout, "readable");
      heard = Buffer.concat([heard, client.stdout.read() as Buffer]);
    }
    expect(heard.equals(bytes)).toBe(true);
  });
});

describe.each(withEnd)("over %s", (_protocol, open) => {
  test("the end of input ends nothing else", async () => {
    const { client, server } = await session(open);
    client.stdin.end("all of it");
    expect(await textOf(server.streams.stdin as Readable)).toBe("all of it");
    expect(server.streams.signal.aborted).toBe(false);
    server.streams.stdout?.write("still heard");
    expect(await take(client.stdout, 11)).toBe("still heard");
  });
});

describe.each(protocols.filter(([name]) => !/SPDY, (v2|chan|no)/.test(name)))("over %s", (_protocol, open) => {
  test("sizes of the terminal arrive in order, also those from before anybody listened", async () => {
    const { client, server } = await session(open, terminal);
    client.resize({ width: 97, height: 31 });
    client.stdin.write("x");
    await take(server.streams.stdin as Readable, 1);
    await turn();
    const sizes: TerminalSize[] = [];
    server.streams.onResize((size) => sizes.push(size));
    client.resize({ width: 120, height: 40 });
    await vi.waitFor(() =>
      expect(sizes).toEqual([
        { width: 97, height: 31 },
        { width: 120, height: 40 },
      ]),
    );
  });
});

describe.each([webSockets[0], spdys[0]] as [string, Open][])("over %s", (_protocol, open) => {
  test("output waits for a client that is slow, and arrives whole", async () => {
    const { client, server } = await session(open);
    const piece = Buffer.alloc(1 << 16, "0123456789abcdef");
    const pieces = 512;
    let taken = 0;
    const output = function* () {
      for (; taken < pieces; taken++) yield piece;
    };
    const stdout = server.streams.stdout as Writable;
    client.pause();
    const written = pipeline(output, stdout, { end: false });
    await vi.waitFor(() => expect(stdout.writableNeedDrain).toBe(true));
    const before = taken;
    await turn();
    // A megabyte or some are in the system's buffers; the rest was not even asked for.
    expect([before, taken < pieces]).toEqual([taken, true]);
    client.resume();
    const heard = bytesFrom(client.stdout);
    await written;
    void server.finish(exited);
    expect((await heard).equals(Buffer.concat(Array(pieces).fill(piece)))).toBe(true);
  });

  test("input waits for a command that is slow; that its client vanished is found out all the same", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const { client, server } = await session(open);
    client.stdin.on("error", () => undefined); // it goes before all is said
    for (let i = 0; i < 512; i++) client.stdin.write(Buffer.alloc(1 << 16));
    const stdin = server.streams.stdin as Readable;
    await vi.waitFor(() => expect(stdin.readableLength).toBeGreaterThan(0));
    await turn();
    expect(stdin.readableLength).toBeLessThan(1 << 20);
    client.vanish();
    while (!server.streams.signal.aborted) {
      vi.advanceTimersByTime(5_000);
      await turn();
    }
  });
});

describe("what a client may get wrong", () => {
  const refused = async (url: string, headers: Record<string, string>) => {
    const { hostname: host, port } = new URL(`http:${url}`);
    const answer = await requestUpgrade({
      secure: false,
      host,
      port,
      headers: { Connection: "Upgrade", ...headers },
    });
    if (answer.kind === "upgraded") throw new Error("it was accepted");
    return `${answer.response.statusCode} ${await textOf(answer.response)}`;
  };
  const server = () =>
    endpoint(async (upgrade) => {
      expect(await acceptRemoteCommand(upgrade, all, new VirtualClock())).toBe(undefined);
    });

  test("versions that nobody knows are refused with those that are known", async () => {
    const spdyHeaders = { Upgrade: "SPDY/3.1", "X-Stream-Protocol-Version": "v9.channel.k8s.io" };
    expect(await refused(await server(), spdyHeaders)).toBe(
      "403 unable to upgrade: unable to negotiate protocol: client supports [v9.channel.k8s.io], " +
        "server accepts [v4.channel.k8s.io v3.channel.k8s.io v2.channel.k8s.io channel.k8s.io]",
    );
    const webSocketHeaders = {
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Protocol": "v9.channel.k8s.io",
    };
    expect(await refused(await server(), webSocketHeaders)).toMatch(/^403 requested protocol\(s\) are not supported/);
  });

  test("of several versions the first that is known is taken", async () => {
    const url = await endpoint((upgrade) => acceptRemoteCommand(upgrade, all, new VirtualClock()));
    const client = await ChannelClient.open(`ws:${url}`, ["v9.channel.k8s.io", "v4.channel.k8s.io", "channel.k8s.io"]);
    expect(client.socket.protocol).toBe("v4.channel.k8s.io");
  });

  test("a client of SPDY that opens no streams has thirty seconds", async () => {
    const clock = new VirtualClock();
    const over = Promise.withResolvers<unknown>();
    const url = await endpoint((upgrade) => {
      acceptRemoteCommand(upgrade, all, clock).then(over.resolve, over.reject);
    });
    const { connection } = await openSpdy(url, "v4.channel.k8s.io");
    const error = await connection.open([["streamtype", "error"]]);
    clock.advance(30_000);
    expect(await over.promise).toBe(undefined);
    expect(await textOf(error)).toBe("");
  });

  test("streams that nobody asked for, and second ones of a kind, are reset; the session goes on", async () => {
    const accepted = Promise.withResolvers<RemoteCommand | undefined>();
    const url = await endpoint((upgrade) => {
      acceptRemoteCommand(upgrade, { ...all, stderr: false }, new VirtualClock()).then(accepted.resolve);
    });
    const { connection } = await openSpdy(url, "v4.channel.k8s.io");
    for (const type of ["stderr", "nonsense"]) {
      const stream = await connection.open([["streamtype", type]]);
      expect(await textOf(stream)).toBe("");
    }
    for (const type of ["error", "stdin", "stdout"]) await connection.open([["streamtype", type]]);
    expect(await textOf(await connection.open([["streamtype", "stdin"]]))).toBe("");
    expect((await accepted.promise)?.streams.signal.aborted).toBe(false);
  });

  test("what comes after the end of input is nobody's", async () => {
    const { client, server } = await session(async (url) => {
      const channels = await ChannelClient.open(`ws:${url}`, ["v5.channel.k8s.io"]);
      channels.say(0, "before");
      for (const number of [0, 0, 1, 77]) channels.say(255, Uint8Array.of(number));
      channels.say(255, "");
      channels.say(0, "after");
      channels.say(9, "on a channel that there is not");
      channels.say(1, "where only the server speaks");
      channels.socket.send("");
      return { stdout: channels.channel(1), error: channels.channel(3) } as unknown as Client;
    });
    expect(await textOf(server.streams.stdin as Readable)).toBe("before");
    server.streams.stdout?.write("answer");
    expect(await take(client.stdout, 6)).toBe("answer");
  });

  test("random messages break nothing but their own session", async () => {
    const accepted: RemoteCommand[] = [];
    const url = await endpoint(async (upgrade) => {
      const one = await acceptRemoteCommand(upgrade, terminal, new VirtualClock());
      if (one === undefined) return;
      one.streams.stdin?.resume();
      accepted.push(one);
    });
    const message = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.string({ maxLength: 20 }));
    const versions = fc.constantFrom("v5.channel.k8s.io", "v4.channel.k8s.io", "base64.channel.k8s.io");
    await fc.assert(
      fc.asyncProperty(versions, fc.array(message, { maxLength: 12 }), async (version, messages) => {
        const client = await ChannelClient.open(`ws:${url}`, [version]);
        for (const one of messages) client.socket.send(one);
        client.socket.close();
        await once(client.socket, "close");
      }),
      { numRuns: 50 },
    );
    for (const { streams } of accepted) if (!streams.signal.aborted) await once(streams.signal, "abort");
  });

  test("random bytes for SPDY close the connection, or wait for more", async () => {
    const url = await endpoint((upgrade) => acceptRemoteCommand(upgrade, all, new VirtualClock()));
    const { hostname, port } = new URL(`http:${url}`);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 64 }), async (bytes) => {
        const socket = connect(Number(port), hostname);
        socket.on("error", () => undefined); // it may be cut off
        socket.write("POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n");
        expect(String(await once(socket, "data"))).toMatch(/^HTTP\/1.1 101 /);
        socket.resume();
        socket.end(bytes);
        await once(socket, "close");
      }),
      { numRuns: 50 },
    );
  });
});
