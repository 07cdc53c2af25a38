import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clientsNode, Network } from "./network.ts";
import { inodeOf } from "./socket-owner.ts";

const target = "m0";
let network: Network;
let echo: Server;
let accepted: Socket[];
let client: Socket;
let gate: number;

/** This process is the node "clients"; behind the gate of m0 is an echo. */
beforeEach(async () => {
  network = new Network(() => 0.5);
  accepted = [];
  echo = createServer((socket) => {
    accepted.push(socket);
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  echo.listen(0, "127.0.0.1");
  await once(echo, "listening");
  const { port } = echo.address() as { port: number };
  gate = await network.openGate(target, () => port);
});

afterEach(async () => {
  client?.destroy();
  for (const socket of accepted) socket.destroy();
  await network.close();
  echo.close();
});

async function dial(): Promise<Socket> {
  client = connect(gate, "127.0.0.1");
  client.on("error", () => undefined);
  await once(client, "connect");
  return client;
}

/** What comes back within so many milliseconds. */
async function hear(socket: Socket, ms: number): Promise<string> {
  let heard = "";
  const listen = (bytes: Buffer) => {
    heard += bytes;
  };
  socket.on("data", listen);
  await new Promise((done) => setTimeout(done, ms));
  socket.off("data", listen);
  return heard;
}

async function answer(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [bytes] = (await once(socket, "data")) as [Buffer];
  return String(bytes);
}

/** With or without an error. */
function closed(socket: Socket): Promise<void> {
  return new Promise((done) => (socket.destroyed ? done() : socket.once("close", () => done())));
}

describe("a link", () => {
  it("holds what is sent during a cut, and lets it arrive afterwards, in order", async () => {
    const socket = await dial();
    expect(await answer(socket, "before")).toBe("before");
    network.cut([[clientsNode, target]]);
    socket.write("one ");
    socket.write("two");
    expect(await hear(socket, 50)).toBe("");
    expect(network.counts.held).toBeGreaterThan(0);
    network.heal();
    expect(await hear(socket, 50)).toBe("one two");
  });

  it("cut one way lets the other way through", async () => {
    const socket = await dial();
    expect(await answer(socket, "x")).toBe("x");
    network.cut([[clientsNode, target]]);
    accepted[0]!.write("still here");
    expect(await hear(socket, 50)).toBe("still here");
  });

  it("that is cut, either way, lets no connection be made until it is healed", async () => {
    network.cut([[target, clientsNode]]);
    const socket = await dial();
    socket.write("hello");
    expect(await hear(socket, 50)).toBe("");
    expect(accepted).toHaveLength(0);
    expect(network.counts.held).toBe(1);
    network.heal();
    expect(await hear(socket, 50)).toBe("hello");
  });

  it("beyond which somebody hangs up tells nobody before it is healed", async () => {
    const socket = await dial();
    expect(await answer(socket, "x")).toBe("x");
    network.cut([[clientsNode, target]]);
    let ended = false;
    accepted[0]!.on("end", () => {
      ended = true;
    });
    socket.destroy();
    await new Promise((done) => setTimeout(done, 50));
    expect(ended).toBe(false);
    network.heal();
    await closed(accepted[0]!);
  });

  it("that resets breaks connections at both ends, and new ones at once", async () => {
    const socket = await dial();
    expect(await answer(socket, "x")).toBe("x");
    const broken = Promise.all([closed(socket), closed(accepted[0]!)]);
    network.cut([[clientsNode, target]], "reset");
    await broken;
    expect(network.counts.broken).toBe(1);
    const again = await dial();
    await closed(again);
    expect(accepted).toHaveLength(1);
  });

  it("is late by what it is told, and says how often", async () => {
    const socket = await dial();
    network.weather([[clientsNode, target]], { delayMs: 80 });
    const since = performance.now();
    expect(await answer(socket, "x")).toBe("x");
    expect(performance.now() - since).toBeGreaterThan(75);
    expect(network.counts.late).toBe(1);
  });

  it("that is narrow takes its time", async () => {
    const socket = await dial();
    network.weather([[clientsNode, target]], { bytesPerSecond: 10_000 });
    const since = performance.now();
    socket.write(Buffer.alloc(1000));
    for (let heard = 0; heard < 1000; ) heard += ((await once(socket, "data")) as [Buffer])[0].length;
    expect(performance.now() - since).toBeGreaterThan(95);
  });
});

it("who has a socket is found in the kernel's table by both of its ports", () => {
  const table = [
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11111 1 0000000000000000",
    "   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 22222 1 0000000000000000",
    "   2: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 33333 1 0000000000000000",
  ].join("\n");
  expect(inodeOf(table, 50_000, 8080)).toBe("33333");
  expect(inodeOf(table, 50_001, 8080)).toBeUndefined();
});
