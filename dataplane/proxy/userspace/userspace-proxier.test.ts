import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { Backend } from "../backends.ts";
import type { ServicePort } from "../service-ports.ts";
import { UserspaceProxier } from "./userspace-proxier.ts";

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server that says its name and ends. */
async function backend(name: string): Promise<Backend> {
  const server: Server = createServer((socket) => socket.end(name));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => void server.close());
  return { address: "127.0.0.1", port: (server.address() as AddressInfo).port, local: true };
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.10.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function ask(port: number, host = "127.10.0.1"): Promise<string> {
  const socket = connect({ host, port });
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const failed = once(socket, "error").then(([error]) => (error as NodeJS.ErrnoException).code ?? "error");
  return await Promise.race([once(socket, "end").then(() => Buffer.concat(chunks).toString()), failed]);
}

function servicePort(port: number, backends: Backend[], more: Partial<ServicePort> = {}): ServicePort {
  return {
    id: "default/web/tcp/",
    service: "default/web",
    protocol: "TCP",
    clusterIP: "127.10.0.1",
    port,
    nodePort: undefined,
    externalIPs: [],
    loadBalancerIPs: [],
    sourceRanges: [],
    cluster: backends,
    local: backends,
    ready: backends,
    serving: backends,
    any: backends.length > 0,
    internalLocal: false,
    externalLocal: false,
    affinitySeconds: undefined,
    healthCheckNodePort: undefined,
    ...more,
  };
}

function proxier(): UserspaceProxier {
  const made = new UserspaceProxier("127.0.0.1", false, () => undefined);
  cleanups.push(() => made.stop());
  return made;
}

describe("forwarding in userspace", () => {
  test("spreads connections over the backends, and skips one that does not answer", async () => {
    const [a, b] = [await backend("a"), await backend("b")];
    const gone = { address: "127.0.0.1", port: await freePort(), local: true };
    const port = await freePort();
    await proxier().sync([servicePort(port, [a, gone, b])]);
    const answers = new Set<string>();
    for (let i = 0; i < 9; i++) answers.add(await ask(port));
    expect(answers).toEqual(new Set(["a", "b"]));
  });

  test("keeps a client at its backend under session affinity", async () => {
    const port = await freePort();
    await proxier().sync([servicePort(port, [await backend("a"), await backend("b")], { affinitySeconds: 60 })]);
    const first = await ask(port);
    for (let i = 0; i < 5; i++) expect(await ask(port)).toBe(first);
  });

  test("refuses connections to a Service without backends, and to one that is gone", async () => {
    const port = await freePort();
    const forwarding = proxier();
    await forwarding.sync([servicePort(port, [])]);
    expect(await ask(port)).toBe("ECONNRESET");
    await forwarding.sync([]);
    expect(await ask(port)).toBe("ECONNREFUSED");
  });

  test("lets in to a load balancer's address whom its ranges name; whatever else there is stays open", async () => {
    const port = await freePort();
    const made = new UserspaceProxier("127.0.0.1", true, () => undefined);
    cleanups.push(() => made.stop());
    const at = (sourceRanges: string[]) =>
      servicePort(port, [], { clusterIP: "127.10.0.2", loadBalancerIPs: ["127.10.0.1"], sourceRanges, ...both });
    const both = { cluster: [await backend("a")] };
    await made.sync([at(["203.0.113.0/24"])]);
    expect(await ask(port)).toBe("ECONNRESET");
    expect(await ask(port, "127.10.0.2")).toBe("a");
    await made.sync([at(["203.0.113.0/24", "127.0.0.0/8"])]);
    expect(await ask(port)).toBe("a");
  });

  test("carries datagrams there and back", async () => {
    const server = createSocket("udp4");
    server.on("message", (message, from) => server.send(`echo ${message}`, from.port, from.address));
    server.bind(0, "127.0.0.1");
    await once(server, "listening");
    cleanups.push(() => void server.close());
    const port = await freePort();
    const backends = [{ address: "127.0.0.1", port: server.address().port, local: true }];
    await proxier().sync([servicePort(port, backends, { protocol: "UDP" })]);
    const client = createSocket("udp4");
    cleanups.push(() => void client.close());
    client.send("hello", port, "127.10.0.1");
    const [answer] = (await once(client, "message")) as [Buffer];
    expect(answer.toString()).toBe("echo hello");
  });
});
