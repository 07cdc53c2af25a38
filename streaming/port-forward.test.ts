import { once } from "node:events";
import type { Socket } from "node:net";
import { type Duplex, PassThrough } from "node:stream";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createWebSocketStream, WebSocket } from "ws";
import { VirtualClock } from "../base/mod.ts";
import { bytesFrom, ChannelClient, endpoint, socketPair, take, textOf } from "./endpoint.testing.ts";
import { servePortForward } from "./port-forward.ts";
import { requestUpgrade } from "./request-upgrade.ts";
import { SpdyConnection } from "./spdy-connection.ts";

/** A pod: connections to a port are asked of `dial` and arrive at `accepted`. Port 1 is closed. */
class Pod {
  readonly clock = new VirtualClock();
  readonly #accepted = new PassThrough({ objectMode: true });
  /** Sessions that are not over. */
  sessions = 0;

  async dial(port: number): Promise<Duplex> {
    if (port === 1) throw new Error("connection refused");
    const [near, far] = await socketPair();
    this.#accepted.write({ port, socket: far });
    return near;
  }

  async accepted(): Promise<{ readonly port: number; readonly socket: Socket }> {
    for (;;) {
      const one = this.#accepted.read() as { port: number; socket: Socket } | null;
      if (one !== null) return one;
      await once(this.#accepted, "readable");
    }
  }

  serve(): Promise<string> {
    return endpoint(async (upgrade) => {
      this.sessions++;
      await servePortForward(upgrade, {
        dial: (port) => this.dial(port),
        describe: (port, error) => `error forwarding port ${port}: ${error.message}`,
        clock: this.clock,
      });
      this.sessions--;
    });
  }
}

async function overSpdy(url: string): Promise<SpdyConnection> {
  const { hostname: host, port } = new URL(`http:${url}`);
  const headers = { Connection: "Upgrade", Upgrade: "SPDY/3.1", "X-Stream-Protocol-Version": "portforward.k8s.io" };
  const answer = await requestUpgrade({ secure: false, host, port, method: "POST", headers });
  if (answer.kind === "answered") throw new Error(await textOf(answer.response));
  return new SpdyConnection(answer.socket, { role: "client" });
}

async function overTunnel(url: string): Promise<SpdyConnection> {
  const protocol = "SPDY/3.1+portforward.k8s.io";
  const socket = new WebSocket(`ws:${url}`, { headers: { "Sec-WebSocket-Protocol": protocol } });
  // The library does not know such a name, and would complain that nobody asked for it.
  socket.on("upgrade", ({ headers }) => {
    expect(headers["sec-websocket-protocol"]).toBe(protocol);
    delete headers["sec-websocket-protocol"];
  });
  await once(socket, "open");
  return new SpdyConnection(createWebSocketStream(socket), { role: "client" });
}

/** The streams of one connection to a port. */
async function open(connection: SpdyConnection, port: number | string, requestId: string | undefined) {
  const common: [string, string][] = [["port", `${port}`]];
  if (requestId !== undefined) common.push(["requestid", requestId]);
  const error = await connection.open([["streamtype", "error"], ...common]);
  const data = await connection.open([["streamtype", "data"], ...common]);
  return { error, data };
}

describe.each([
  ["SPDY", overSpdy],
  ["SPDY in a WebSocket", overTunnel],
])("over %s", (_name, connect) => {
  const forwarding = async () => {
    const pod = new Pod();
    const connection = await connect(await pod.serve());
    onTestFinished(() => connection.close());
    return { pod, connection };
  };

  test("each half of a connection ends for itself", async () => {
    const { pod, connection } = await forwarding();
    const { error, data } = await open(connection, 80, "0");
    data.end("question");
    const { port, socket } = await pod.accepted();
    expect([port, await textOf(socket)]).toEqual([80, "question"]);
    socket.end("answer, after the question has ended");
    expect(await textOf(data)).toBe("answer, after the question has ended");
    expect(await textOf(error)).toBe("");
    expect(connection.signal.aborted).toBe(false);
  });

  test("several connections at once, to several ports, each with its own megabyte", async () => {
    const { pod, connection } = await forwarding();
    const sent = Array.from({ length: 8 }, (_, i) => Buffer.alloc(1 << 20, `connection ${i} `));
    const echo = async () => {
      const { socket } = await pod.accepted();
      socket.pipe(socket);
    };
    const back = sent.map(async (bytes, i) => {
      const { data } = await open(connection, 80 + i, `${i}`);
      data.end(bytes);
      return await bytesFrom(data);
    });
    await Promise.all(sent.map(echo));
    for (const [i, bytes] of (await Promise.all(back)).entries()) expect(bytes.equals(sent[i] as Buffer)).toBe(true);
  });

  test("a closed port is told on the error stream; others go on", async () => {
    const { pod, connection } = await forwarding();
    const good = await open(connection, 80, "0");
    const { socket } = await pod.accepted();
    const closed = await open(connection, 1, "1");
    expect(await textOf(closed.error)).toBe("error forwarding port 1: connection refused");
    expect(await textOf(closed.data)).toBe("");
    socket.write("still here");
    expect(await take(good.data, 10)).toBe("still here");
  });

  test("clients that number no requests are understood", async () => {
    const { pod, connection } = await forwarding();
    const { data } = await open(connection, 80, undefined);
    data.write("hello");
    expect(await take((await pod.accepted()).socket, 5)).toBe("hello");
  });

  test("a stream without a port, of no known type, or alone for too long is reset", async () => {
    const { pod, connection } = await forwarding();
    const headers: [string, string][][] = [
      [["streamtype", "data"]],
      [
        ["streamtype", "other"],
        ["port", "80"],
      ],
      [
        ["streamtype", "data"],
        ["port", "65536"],
      ],
    ];
    for (const one of headers) expect(await textOf(await connection.open(one))).toBe("");
    const lonely = await connection.open([
      ["streamtype", "data"],
      ["port", "80"],
      ["requestid", "7"],
    ]);
    pod.clock.advance(30_000);
    expect(await textOf(lonely)).toBe("");
  });

  test("a client that vanishes ends its connections", async () => {
    const { pod, connection } = await forwarding();
    await open(connection, 80, "0");
    const { socket } = await pod.accepted();
    connection.close();
    expect(await textOf(socket)).toBe("");
    await vi.waitFor(() => expect(pod.sessions).toBe(0));
  });

  test("a pod that resets a connection ends that one only", async () => {
    const { pod, connection } = await forwarding();
    const { data } = await open(connection, 80, "0");
    const { socket } = await pod.accepted();
    socket.resetAndDestroy();
    expect(await textOf(data)).toBe("");
    const again = await open(connection, 80, "1");
    (await pod.accepted()).socket.end("again");
    expect(await textOf(again.data)).toBe("again");
  });
});

describe.each(["v4.channel.k8s.io", "v5.channel.k8s.io", "v4.base64.channel.k8s.io", ""])(
  "over the channels of WebSocket %s",
  (version) => {
    const forwarding = async (ports: string) => {
      const pod = new Pod();
      const url = await pod.serve();
      const client = await ChannelClient.open(`ws:${url}/?${ports}`, version === "" ? [] : [version]);
      return { pod, client };
    };
    const portOf = async (client: ChannelClient, channel: number) =>
      Buffer.from(await take(client.channel(channel), 2), "latin1").readUInt16LE();

    test("two channels a port, each begins with its number; the session ends when the pod has", async () => {
      const { pod, client } = await forwarding("ports=80&ports=90");
      const pods = [await pod.accepted(), await pod.accepted()];
      for (const [i, { port }] of pods.entries()) {
        expect([await portOf(client, 2 * i), await portOf(client, 2 * i + 1)]).toEqual([port, port]);
        client.say(2 * i, `to ${port}`);
      }
      for (const { port, socket } of pods) expect(await take(socket, 5)).toBe(`to ${port}`);
      for (const { port, socket } of pods) socket.end(`from ${port}`);
      const closed = once(client.socket, "close");
      for (const [i, { port }] of pods.entries()) expect(await take(client.channel(2 * i), 7)).toBe(`from ${port}`);
      // What the client still says is heard for a moment, for its half cannot be seen to end.
      client.say(0, "last words");
      expect(await take(pods[0]?.socket as Socket, 10)).toBe("last words");
      const over = vi.waitFor(() => {
        pod.clock.advance(1_000);
        expect(client.socket.readyState).toBe(client.socket.CLOSED);
      });
      await Promise.all([over, closed]);
      await vi.waitFor(() => expect(pod.sessions).toBe(0));
    });

    test("ten megabytes arrive whole though the pod closes right behind them", async () => {
      const { pod, client } = await forwarding("ports=80");
      const { socket } = await pod.accepted();
      const bytes = Buffer.alloc(10 << 20, "0123456789abcdef");
      client.socket.pause();
      socket.end(bytes);
      // Much later than that: the client is slow.
      pod.clock.advance(60_000);
      client.socket.resume();
      await take(client.channel(0), 2);
      const heard = bytesFrom(client.channel(0));
      await vi.waitFor(
        () => {
          pod.clock.advance(1_000);
          expect(client.socket.readyState).toBe(client.socket.CLOSED);
        },
        { timeout: 10_000 },
      );
      expect((await heard).equals(bytes)).toBe(true);
    });

    test("a closed port is told on its error channel, and ends the session", async () => {
      const { client } = await forwarding("ports=1");
      const [data, error] = [textOf(client.channel(0)), textOf(client.channel(1))];
      expect((await data).length).toBe(2);
      expect(await error).toMatch(/error forwarding port 1: connection refused$/);
    });

    test("a client that vanishes ends its connections", async () => {
      const { pod, client } = await forwarding("ports=80");
      const { socket } = await pod.accepted();
      client.socket.terminate();
      expect(await textOf(socket)).toBe("");
      await vi.waitFor(() => expect(pod.sessions).toBe(0));
    });
  },
);

test.each([
  ["", 'query parameter "port" is required'],
  ["ports=0", 'unable to parse "0" as a port'],
  ["ports=80,http", 'unable to parse "http" as a port'],
  [`ports=${Array.from({ length: 65 }, (_, i) => i + 1)}`, "more than 64 ports"],
])("ports of channels: %s is refused", async (query, message) => {
  const { hostname: host, port } = new URL(`http:${await new Pod().serve()}`);
  const headers = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Protocol": "v4.channel.k8s.io",
  };
  const answer = await requestUpgrade({ secure: false, host, port, path: `/?${query}`, headers });
  expect(answer.kind).toBe("answered");
  expect([answer.response.statusCode, await textOf(answer.response)]).toEqual([400, message]);
});
