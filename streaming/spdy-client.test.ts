import { once } from "node:events";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, test, vi } from "vitest";
import { VirtualClock } from "../base/mod.ts";
import { refuseUpgrade, type UpgradeRequest } from "./accept.ts";
import { endpoint, socketPair } from "./endpoint.testing.ts";
import { servePortForward } from "./port-forward.ts";
import { acceptRemoteCommand } from "./remote-command.ts";
import { dialPortForward, runRemoteCommand } from "./spdy-client.ts";
import type { RemoteCommand, TerminalSize, WantedStreams } from "./streams.ts";

const all: WantedStreams = { tty: false, stdin: true, stdout: true, stderr: true };

/** What stands between an engine and a client: the client's streams, as the kubelet has them. */
function streamsOfClient() {
  const gone = new AbortController();
  const sizes = Promise.withResolvers<(size: TerminalSize) => void>();
  return {
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    onResize: (listener: (size: TerminalSize) => void) => sizes.resolve(listener),
    resize: async (size: TerminalSize) => (await sizes.promise)(size),
    signal: gone.signal,
    leave: () => gone.abort(),
  };
}

/** An engine that does as told with each session. */
const engine = async (wanted: WantedStreams, run: (session: RemoteCommand) => unknown) =>
  `http:${await endpoint(async (upgrade: UpgradeRequest) => {
    const session = await acceptRemoteCommand(upgrade, wanted, new VirtualClock());
    if (session !== undefined) await run(session);
  })}`;

describe("a command that an engine runs", () => {
  test("has the client's streams, and an exit code", async () => {
    const url = await engine(all, async ({ streams, finish }) => {
      const words = await text(streams.stdin as PassThrough);
      streams.stdout?.write(`heard ${words}`);
      streams.stderr?.write("complaint");
      await finish({ kind: "exited", code: 3, message: "exit status 3" });
    });
    const client = streamsOfClient();
    client.stdin.end("words");
    expect(await runRemoteCommand(url, all, client)).toEqual({ kind: "exited", code: 3, message: "exit status 3" });
    // They stay the client's: whoever has them ends them.
    expect([String(client.stdout.read()), String(client.stderr.read())]).toEqual(["heard words", "complaint"]);
    expect(client.stdout.writable).toBe(true);
  });

  test("on a terminal hears of its sizes", async () => {
    const terminal = { ...all, tty: true, stderr: false };
    const sizes: TerminalSize[] = [];
    const url = await engine(terminal, async ({ streams, finish }) => {
      streams.onResize((size) => sizes.push(size));
      await vi.waitFor(() => expect(sizes.length).toBe(2));
      await finish({ kind: "exited", code: 0, message: "" });
    });
    const client = streamsOfClient();
    const result = runRemoteCommand(url, terminal, client);
    await client.resize({ width: 97, height: 31 });
    await client.resize({ width: 120, height: 40 });
    expect(await result).toMatchObject({ code: 0 });
    expect(sizes).toEqual([
      { width: 97, height: 31 },
      { width: 120, height: 40 },
    ]);
  });

  test("hears that its client has gone", async () => {
    const gone = Promise.withResolvers<void>();
    const url = await engine(all, ({ streams }) => {
      streams.signal.addEventListener("abort", () => gone.resolve());
      client.leave();
    });
    const client = streamsOfClient();
    await expect(runRemoteCommand(url, all, client)).rejects.toThrow();
    await gone.promise;
  });

  test("is lost with an engine that goes without a word, or was refused by it", async () => {
    const silent = `http:${await endpoint(async (upgrade) => {
      await acceptRemoteCommand(upgrade, all, new VirtualClock());
      upgrade.socket.destroy();
    })}`;
    await expect(runRemoteCommand(silent, all, streamsOfClient())).rejects.toThrow("without a word");
    const refusing = `http:${await endpoint((upgrade) => refuseUpgrade(upgrade, 404, "no such container"))}`;
    await expect(runRemoteCommand(refusing, all, streamsOfClient())).rejects.toThrow(
      "unable to upgrade connection: no such container",
    );
  });
});

describe("a port that an engine forwards", () => {
  const forwarding = async () => {
    const [near, far] = await socketPair();
    const dial = async (port: number) => {
      if (port === 1) throw new Error("connection refused");
      return near;
    };
    const describe = (port: number, error: Error) => `port ${port}: ${error.message}`;
    const url = await endpoint((upgrade) => servePortForward(upgrade, { dial, describe, clock: new VirtualClock() }));
    return { url: `http:${url}`, far };
  };

  test("carries both halves, each to its own end", async () => {
    const { url, far } = await forwarding();
    const connection = await dialPortForward(url, 80);
    connection.end("question");
    expect(await text(far)).toBe("question");
    far.end("answer");
    expect(await text(connection)).toBe("answer");
  });

  test("that is closed breaks the connection with the engine's words, which its client hears", async () => {
    const { url } = await forwarding();
    const [refusal] = await once(await dialPortForward(url, 1), "error");
    expect(refusal.message).toBe("port 1: connection refused");

    const between = `http:${await endpoint((upgrade) =>
      servePortForward(upgrade, {
        dial: (port) => dialPortForward(url, port),
        describe: (port, error) => `pod's port ${port}: ${error.message}`,
        clock: new VirtualClock(),
      }),
    )}`;
    const [passedOn] = await once(await dialPortForward(between, 1), "error");
    expect(passedOn.message).toBe("pod's port 1: port 1: connection refused");
  });
});
