import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { bytesFrom, socketPair, take, textOf } from "./endpoint.testing.ts";
import { join } from "./join.ts";

/** A client and a server with a joint between them. */
async function joined() {
  const [client, near] = await socketPair();
  const [far, server] = await socketPair();
  return { client, near, far, server, over: join(near, far) };
}

afterEach(() => void vi.useRealTimers());

describe("join", () => {
  test("each half ends for itself", async () => {
    const { client, server, over } = await joined();
    client.end("a question");
    expect(await textOf(server)).toBe("a question");
    server.end("an answer, after the end of the question");
    expect(await textOf(client)).toBe("an answer, after the end of the question");
    await over;
  });

  test("what was said before one side broke is heard by the other, and then its connection ends", async () => {
    const { client, server, over } = await joined();
    client.write("x");
    expect(await take(server, 1)).toBe("x");
    server.write("last words");
    expect(await take(client, 10)).toBe("last words");
    server.resetAndDestroy();
    expect(await textOf(client)).toBe("");
    await over;
  });

  test("who reads nothing of what was said before the other side broke is cut off", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { client, server, far, over } = await joined();
    client.write(Buffer.alloc(32 << 20));
    server.pause();
    while (!far.writableNeedDrain) await turn();
    client.resetAndDestroy();
    // That this side broke is seen when it is written to, for it is not read.
    server.write("answer");
    while (!far.writableEnded) await turn();
    expect(far.destroyed).toBe(false);
    vi.advanceTimersByTime(2_000);
    await over;
    expect(far.destroyed).toBe(true);
  });

  test("a side that went before it was joined takes the other along", async () => {
    const [, near] = await socketPair();
    const [far, server] = await socketPair();
    near.destroy();
    await once(near, "close");
    await join(near, far);
    expect(await textOf(server)).toBe("");
    expect(far.destroyed).toBe(true);
  });

  test("a side that had ended before it was joined still hears the answer", async () => {
    const [client, near] = await socketPair();
    client.end("early");
    near.pause();
    await turn();
    const [far, server] = await socketPair();
    const over = join(near, far);
    expect(await textOf(server)).toBe("early");
    server.end("late");
    expect(await textOf(client)).toBe("late");
    await over;
  });

  test("who does not read stops who writes, and gets all of it later", async () => {
    const { client, server, near, far, over } = await joined();
    const bytes = Buffer.alloc(32 << 20, "0123456789");
    client.end(bytes);
    server.pause();
    await vi.waitFor(() => expect(far.writableNeedDrain && near.isPaused()).toBe(true));
    // The kernel's buffers are full, and ours hold no more than their high-water marks.
    expect(near.bytesRead).toBeLessThan(bytes.length);
    expect(near.readableLength + far.writableLength).toBeLessThan(1 << 20);
    expect((await bytesFrom(server)).equals(bytes)).toBe(true);
    server.end();
    await over;
  });

  test("a hundred connections in a row warn of nothing and leave no listener", async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on("warning", onWarning);
    for (let i = 0; i < 100; i++) {
      const { client, server, over } = await joined();
      client.end("1");
      server.end("2");
      expect(await Promise.all([textOf(server), textOf(client)])).toEqual(["1", "2"]);
      await over;
    }
    await turn();
    process.off("warning", onWarning);
    expect(warnings).toEqual([]);
  });
});
