import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, expect, it } from "vitest";
import { type Door, hostAddress } from "./doors.ts";
import { Forwarder } from "./forwarder.ts";

const loopback = `127.${100 + (process.pid % 100)}`;
const cleanups: (() => unknown)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** The machine's network is the test's own. */
const network = {
  bind: (address: string, port: number) =>
    new Promise<Server>((resolve, reject) => {
      const server: Server = createServer().once("error", reject);
      server.listen(port, address, () => resolve(server));
    }),
};

function forwarder(): { readonly forwarder: Forwarder; readonly warnings: string[] } {
  const warnings: string[] = [];
  const made = new Forwarder({ network, loopback }, (level, message) => {
    if (level === "warn") warnings.push(message);
  });
  cleanups.push(() => made.stop());
  return { forwarder: made, warnings };
}

/** A server of the cluster. */
async function behind(serve: (socket: Socket) => void): Promise<Door> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => server.close());
  return { address: "127.0.0.1", port: (server.address() as AddressInfo).port };
}

/** Tries until the door is open. */
async function enter({ address, port }: Door): Promise<Socket> {
  for (;;) {
    const socket = connect({ host: hostAddress(address, loopback), port, allowHalfOpen: true });
    const open = await new Promise((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    if (!open) continue;
    cleanups.push(() => socket.destroy());
    return socket.on("error", () => undefined);
  }
}

const isClosed = (door: Door) =>
  new Promise((resolve) => {
    const socket = connect({ host: hostAddress(door.address, loopback), port: door.port });
    socket.once("connect", () => resolve(socket.destroy() && false));
    socket.once("error", () => resolve(true));
  });

it("hands over both directions, each until its own end", async () => {
  const door = await behind(async (socket) => socket.end(`heard: ${await text(socket)}`));
  forwarder().forwarder.set([door]);
  const socket = await enter(door);
  socket.end("hello");
  expect(await text(socket)).toBe("heard: hello");
});

it("closes a door that is no longer wanted; who came in before stays", async () => {
  const door = await behind((socket) => socket.pipe(socket));
  const { forwarder: made } = forwarder();
  made.set([door]);
  const socket = await enter(door);
  made.set([]);
  await expect.poll(() => isClosed(door)).toBe(true);
  socket.end("still here");
  expect(await text(socket)).toBe("still here");
});

it("passes on that a connection broke, so that nobody takes a part for the whole", async () => {
  const door = await behind((socket) => socket.once("data", () => socket.resetAndDestroy()));
  forwarder().forwarder.set([door]);
  const socket = await enter(door);
  socket.write("hello");
  const how = new Promise((resolve) => socket.once("close", resolve));
  expect(await how).toBe(true);
});

it("says which door cannot be opened, and opens the others", async () => {
  const echo = (socket: Socket) => socket.pipe(socket);
  const [taken, other] = [await behind(echo), await behind(echo)];
  const holder = await network.bind(hostAddress(taken.address, loopback), taken.port);
  cleanups.push(() => holder.close());
  const { forwarder: made, warnings } = forwarder();
  made.set([taken, other]);
  const socket = await enter(other);
  socket.end("x");
  expect(await text(socket)).toBe("x");
  await expect.poll(() => warnings).toEqual(["this machine cannot reach a port of the cluster"]);
});
