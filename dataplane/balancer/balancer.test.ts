import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { VirtualClock } from "../../base/mod.ts";
import { type Balancer, startBalancer, type Target, type Verdict } from "./balancer.ts";

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A target that greets each client with its name and echoes the rest. */
async function target(name: string): Promise<{ target: Target; server: Server }> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.write(`${name}\n`);
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { target: { name, at: { host: "127.0.0.1", port } }, server };
}

async function balancer(
  targets: readonly Target[],
  check?: (target: Target) => Promise<Verdict>,
): Promise<{ running: Balancer; clock: VirtualClock }> {
  const clock = new VirtualClock();
  const running = await startBalancer({
    listen: [{ host: "127.0.0.1", port: 0 }],
    targets,
    clock,
    log: () => undefined,
    ...(check !== undefined && { check }),
  });
  closers.push(() => running.stop());
  return { running, clock };
}

async function client(running: Balancer): Promise<{ socket: Socket; greeting: string }> {
  const socket = connect({ host: "127.0.0.1", port: running.ports[0] as number, allowHalfOpen: true });
  socket.on("error", () => socket.destroy());
  const [greeting] = await once(socket, "data");
  return { socket, greeting: String(greeting).trim() };
}

/** Lets checks come due, and their answers arrive. */
async function checks(clock: VirtualClock, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    clock.advance(1_000);
    await setImmediate();
  }
}

test("connections go to the targets in turn", async () => {
  const [a, b] = [await target("a"), await target("b")];
  const { running } = await balancer([a.target, b.target]);
  const greetings = [];
  for (let index = 0; index < 4; index++) greetings.push((await client(running)).greeting);
  expect(greetings).toEqual(["a", "b", "a", "b"]);
});

test("a target that refuses is passed over, and the client does not notice", async () => {
  const [a, b] = [await target("a"), await target("b")];
  a.server.close();
  const { running } = await balancer([a.target, b.target]);
  for (let index = 0; index < 4; index++) expect((await client(running)).greeting).toBe("b");
});

test("an end of input is passed on, and what the target still says arrives", async () => {
  const a = await target("a");
  const { running } = await balancer([a.target]);
  const { socket } = await client(running);
  socket.end("last words");
  const [echoed] = await once(socket, "data");
  expect(String(echoed)).toBe("last words");
  await once(socket, "end");
});

test("when no target accepts, the client is cut off", async () => {
  const a = await target("a");
  a.server.close();
  const { running } = await balancer([a.target]);
  const socket = connect(running.ports[0] as number, "127.0.0.1");
  socket.on("error", () => undefined); // reset or closed, either way it ends
  await once(socket, "close");
});

test("a target that hangs loses its clients after two checks, and gets new ones when it answers again", async () => {
  const [a, b] = [await target("a"), await target("b")];
  const hangs = new Set<string>();
  const { running, clock } = await balancer([a.target, b.target], async ({ name }) => {
    if (hangs.has(name)) throw new Error("no answer");
    return "serving";
  });
  const before = await client(running);
  expect(before.greeting).toBe("a");
  hangs.add("a");
  const cut = once(before.socket, "close");
  before.socket.on("end", () => before.socket.destroy());
  await checks(clock, 3);
  await cut;
  for (let index = 0; index < 3; index++) expect((await client(running)).greeting).toBe("b");
  hangs.clear();
  await checks(clock, 2);
  const after = [(await client(running)).greeting, (await client(running)).greeting];
  expect(after.sort()).toEqual(["a", "b"]);
});

test("a target that drains keeps its clients and gets no new ones", async () => {
  const [a, b] = [await target("a"), await target("b")];
  const verdicts = new Map<string, Verdict>();
  const { running, clock } = await balancer([a.target, b.target], async ({ name }) => verdicts.get(name) ?? "serving");
  const old = await client(running);
  verdicts.set("a", "draining");
  await checks(clock, 2);
  for (let index = 0; index < 3; index++) expect((await client(running)).greeting).toBe("b");
  old.socket.write("still here");
  const [echoed] = await once(old.socket, "data");
  expect(String(echoed)).toBe("still here");
});
