import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { VirtualClock } from "../../../../base/mod.ts";
import { PodDialers } from "./port-forward.ts";

/** This process's own: what is entered does not matter here. */
const namespace = "/proc/self/ns/net";

/** Helpers that run. */
function helpers(): number[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").split(" ").filter(Boolean);
  return children.map(Number).filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("pod-dialer"));
}

function dialers() {
  const clock = new VirtualClock();
  const pods = new PodDialers(clock);
  onTestFinished(async () => {
    pods.close();
    await vi.waitFor(() => expect(helpers()).toEqual([]));
  });
  return { clock, pods };
}

/** A server that speaks first, then repeats what it hears. */
async function server(): Promise<number> {
  const listener = createServer({ allowHalfOpen: true }, (socket) => {
    socket.write("welcome ");
    socket.pipe(socket);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  onTestFinished(() => void listener.close());
  return (listener.address() as AddressInfo).port;
}

async function talk(connection: Duplex, words: string): Promise<string> {
  connection.end(words);
  return await text(connection);
}

describe("connections into a pod's network", () => {
  test("hear what the other side says first, and the answer after their own end", async () => {
    const { pods } = dialers();
    expect(await talk(await pods.dial(namespace, await server()), "hello")).toBe("welcome hello");
  });

  test("many at once go through one helper", async () => {
    const { pods } = dialers();
    const port = await server();
    const all = Array.from({ length: 50 }, async (_, i) => talk(await pods.dial(namespace, port), `${i}`));
    expect(await Promise.all(all)).toEqual(Array.from({ length: 50 }, (_, i) => `welcome ${i}`));
    expect(helpers().length).toBe(1);
  });

  test("a closed port rejects with the system's words, and keeps nothing", async () => {
    const { pods, clock } = dialers();
    await expect(pods.dial(namespace, 1)).rejects.toThrow("connect ECONNREFUSED");
    clock.advance(5_000);
    await vi.waitFor(() => expect(helpers()).toEqual([]));
  });

  test("a helper that is not used leaves; connections it made stay, and the next one starts another", async () => {
    const { pods, clock } = dialers();
    const port = await server();
    const first = (await pods.dial(namespace, port)) as Socket;
    clock.advance(5_000);
    await vi.waitFor(() => expect(helpers()).toEqual([]));
    expect(await talk(first, "still here")).toBe("welcome still here");
    expect(await talk(await pods.dial(namespace, port), "again")).toBe("welcome again");
  });

  test("a helper that is killed is missed by who waits for it, and replaced for the next", async () => {
    const { pods } = dialers();
    const port = await server();
    const waiting = pods.dial(namespace, port);
    for (const pid of helpers()) process.kill(pid, "SIGKILL");
    await expect(waiting).rejects.toThrow("the helper in the pod's network ended");
    expect(await talk(await pods.dial(namespace, port), "hello")).toBe("welcome hello");
  });

  test("a namespace that is not there rejects", async () => {
    const { pods } = dialers();
    await expect(pods.dial("/no/such/namespace", 80)).rejects.toThrow("the helper in the pod's network ended with 1");
  });
});
