import { once } from "node:events";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { EndpointSlice, Node, Service } from "../../controlplane/api/mod.ts";
import { FakeApiServer } from "../../controlplane/client/fake.testing.ts";
import { systemClock } from "../../controlplane/client/mod.ts";
import { startProxy } from "./start.ts";
import { type EndpointCase, service, slice } from "./world.testing.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A server on an address of its own, all on one port, that says its name. */
async function backend(address: string, port: number): Promise<number> {
  const server = createServer((socket) => socket.end(address)).listen(port, address);
  await once(server, "listening");
  closers.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

function ask(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.on("data", (chunk) => resolve(String(chunk)));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** Asks until the answer is the wanted one; the test's time limit ends it. */
async function becomes(wanted: string, host: string, port: number): Promise<void> {
  while ((await ask(host, port)) !== wanted) await new Promise(setImmediate);
}

test("follows Services, their endpoints and the node's zone; a Service of another proxy is not touched", async () => {
  const server = new FakeApiServer(systemClock);
  const client = server.client();
  const [ip, foreign] = ["127.11.0.1", "127.11.0.2"];
  const port = await backend("127.11.1.1", 0);
  await backend("127.11.1.2", port);
  const node = (zone: string): Node =>
    ({
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "n1", labels: { "topology.kubernetes.io/zone": zone } },
      spec: {},
    }) as Node;
  const created = await client.nodes.create(node("east"));
  const web = (clusterIP: string, name: string): Service =>
    service({ clusterIP, ports: [{ name: "http", port }] }, name);
  const endpoints: readonly EndpointCase[] = [
    { address: "127.11.1.1", node: "n1", zones: ["east"] },
    { address: "127.11.1.2", node: "n2", zones: ["west"] },
  ];
  await client.services.create(web(ip, "web"));
  const other = web(foreign, "other");
  other.metadata.labels = { "service.kubernetes.io/service-proxy-name": "somebody-else" };
  await client.services.create(other);
  const listed: EndpointSlice = await client.endpointSlices.create(slice(endpoints, { port }));
  const proxy = await startProxy({
    client,
    log: () => undefined,
    nodeName: "n1",
    nodeIP: "127.0.0.1",
    clusterCIDR: "127.11.1.0/24",
    mode: "userspace",
    ownNetwork: false,
  });
  closers.push(() => proxy.stop());
  await proxy.synced;
  for (let i = 0; i < 4; i++) expect(await ask(ip, port)).toBe("127.11.1.1");
  expect(await ask(foreign, port)).toBe("ECONNREFUSED");

  await client.nodes.update({ ...created, metadata: { ...created.metadata, labels: node("west").metadata.labels } });
  await becomes("127.11.1.2", ip, port);
  for (let i = 0; i < 4; i++) expect(await ask(ip, port)).toBe("127.11.1.2");

  await client.endpointSlices.delete("default", listed.metadata.name ?? "");
  await becomes("ECONNRESET", ip, port);
  await client.services.delete("default", "web");
  await becomes("ECONNREFUSED", ip, port);
});
