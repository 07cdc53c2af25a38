import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { VirtualClock } from "../../../base/mod.ts";
import { Connection } from "./connection.ts";
import { type FrameKind, FrameReader, frame, frameKinds } from "./frame.ts";

const endings: (() => void)[] = [];
afterEach(() => {
  for (const end of endings.splice(0).reverse()) end();
});

/** A connection of ours to a peer that says and hears what the test wants. */
async function connected() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const ours = connect((server.address() as AddressInfo).port, "127.0.0.1");
  const [theirs] = (await once(server, "connection")) as [Socket];
  endings.push(
    () => server.close(),
    () => ours.destroy(),
    () => theirs.destroy(),
  );
  theirs.on("error", () => undefined);
  const clock = new VirtualClock();
  const closed = new Promise<string>((resolve) => {
    new Connection(ours, clock, { frame: () => undefined, closed: resolve }, 5000);
  });
  const heard: number[] = [];
  const reader = new FrameReader((kind) => void heard.push(kind));
  theirs.on("data", (chunk) => reader.feed(chunk));
  /** Sends and waits until what answers it has come. */
  const say = async (kind: FrameKind, answer?: FrameKind) => {
    const before = heard.filter((one) => one === answer).length;
    theirs.write(frame(kind, new Uint8Array(0)));
    while (answer !== undefined && heard.filter((one) => one === answer).length === before) await once(theirs, "data");
  };
  return { clock, closed, heard, say };
}

const state = (closed: Promise<string>) =>
  Promise.race([closed, new Promise<string>((resolve) => setImmediate(() => setImmediate(() => resolve("open"))))]);

test("a peer that answers may have nothing to say for as long as it likes", async () => {
  const { clock, closed, heard, say } = await connected();
  for (let seconds = 0; seconds < 30; seconds++) {
    clock.advance(1000);
    await say(frameKinds.pong);
    await say(frameKinds.ping, frameKinds.pong); // and what was sent before has arrived as well
  }
  expect(await state(closed)).toBe("open");
  expect(heard.filter((kind) => kind === frameKinds.ping).length).toBeGreaterThan(15);
});

test("one that falls silent is given up", async () => {
  const { clock, closed } = await connected();
  for (let seconds = 0; seconds < 8; seconds++) clock.advance(1000);
  expect(await closed).toBe("it fell silent");
});

test("one that goes on talking, but hears nothing, is given up too: the network swallows one direction", async () => {
  const { clock, closed, say } = await connected();
  for (let seconds = 0; seconds < 5; seconds++) {
    await say(frameKinds.ping, frameKinds.pong);
    clock.advance(1000);
  }
  expect(await state(closed)).toBe("open");
  for (let seconds = 0; seconds < 4; seconds++) {
    void say(frameKinds.ping);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1000);
  }
  expect(await closed).toBe("it does not hear us");
});
