import { createSocket } from "node:dgram";
import { createConnection } from "node:net";
import { type Answer, type DecodedPacket, decode, encode, type RecordType, streamEncode } from "dns-packet";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { EndpointSlice, Namespace, Node, Service } from "../../controlplane/api/mod.ts";
import { FakeApiServer } from "../../controlplane/client/fake.testing.ts";
import { systemClock } from "../../controlplane/client/mod.ts";
import { type RunningDns, startDns } from "./start.ts";

const api = () => new FakeApiServer(systemClock);
let server: FakeApiServer;
let dns: RunningDns;
const closers: (() => Promise<unknown>)[] = [];

async function start(upstream: readonly string[] = []): Promise<RunningDns> {
  const started = await startDns({
    client: server.client(),
    log: () => undefined,
    nodeName: "n1",
    nodeIP: "127.0.0.1",
    listen: [{ host: "127.0.0.1", port: 0 }],
    clusterDomain: "cluster.local",
    serviceCIDR: "10.96.0.0/16",
    upstream,
  });
  closers.push(() => started.stop());
  return started;
}

beforeEach(async () => {
  server = api();
  const client = server.client();
  const node = { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } };
  await client.nodes.create(node as Node);
  for (const name of ["default", "kube-system"]) {
    await client.namespaces.create({ apiVersion: "v1", kind: "Namespace", metadata: { name } } as Namespace);
  }
  await client.services.create(service("web", { clusterIP: "10.96.0.50", ports: [{ name: "http", port: 80 }] }));
  await client.services.create(service("db", { clusterIP: "None" }));
  await client.services.create(service("elsewhere", { type: "ExternalName", externalName: "Host.Example" }));
  const addresses = Array.from({ length: 60 }, (_, i) => `10.244.0.${i + 1}`);
  await client.endpointSlices.create({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "db-1", namespace: "default", labels: { "kubernetes.io/service-name": "db" } },
    addressType: "IPv4",
    endpoints: addresses.map((address, i) => ({
      addresses: [address],
      hostname: `db-${i}`,
      conditions: { ready: true },
    })),
    ports: [{ name: "sql", port: 5432, protocol: "TCP" }],
  } as EndpointSlice);
});

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function service(name: string, spec: object): Service {
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace: "default" }, spec } as Service;
}

function query(name: string, type: RecordType = "A", additionals: Answer[] = []): Buffer {
  return encode({ type: "query", id: 7, flags: 0x100, questions: [{ name, type }], additionals });
}

/** Sends datagrams and resolves with the first response. */
function overUdp(port: number, ...datagrams: Buffer[]): Promise<DecodedPacket> {
  const socket = createSocket("udp4");
  return new Promise<DecodedPacket>((resolve) => {
    socket.on("message", (bytes) => resolve(decode(bytes)));
    for (const datagram of datagrams) socket.send(datagram, port, "127.0.0.1");
  }).finally(() => socket.close());
}

/** Sends the bytes at once and resolves with `count` responses. */
function overTcp(port: number, bytes: Buffer, count: number): Promise<DecodedPacket[]> {
  const socket = createConnection({ port, host: "127.0.0.1" });
  let received = Buffer.alloc(0);
  const found: DecodedPacket[] = [];
  return new Promise<DecodedPacket[]>((resolve, reject) => {
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
        const end = 2 + received.readUInt16BE(0);
        found.push(decode(received.subarray(2, end)));
        received = received.subarray(end);
      }
      if (found.length === count) resolve(found);
    });
    socket.write(bytes);
  }).finally(() => socket.destroy());
}

const rcodeOf = ({ flags = 0 }: DecodedPacket) => flags & 0x0f;
const dataOf = ({ answers = [] }: DecodedPacket) => answers.map((it) => ("data" in it ? it.data : undefined));

test("a Service's name has its cluster IP, in the spelling of the question", async () => {
  dns = await start();
  await dns.synced;
  const response = await overUdp(dns.ports[0] as number, query("WEB.default.svc.Cluster.Local"));
  expect(response.flag_aa).toBe(true);
  expect(response.questions?.[0]?.name).toBe("WEB.default.svc.Cluster.Local");
  expect(response.answers).toMatchObject([{ name: "WEB.default.svc.Cluster.Local", ttl: 5, data: "10.96.0.50" }]);
});

test("what does not fit into a datagram is cut, marked, and whole over TCP; queries may be pipelined", async () => {
  dns = await start();
  await dns.synced;
  const [port] = dns.ports as [number];
  const cut = await overUdp(port, query("db.default.svc.cluster.local"));
  expect(cut.flag_tc).toBe(true);
  expect(cut.answers?.length).toBeGreaterThan(0);
  expect(cut.answers?.length).toBeLessThan(60);
  const question = (name: string) => streamEncode({ type: "query", id: 1, questions: [{ name, type: "A" }] });
  const names = ["db.default.svc.cluster.local", "nobody.default.svc.cluster.local", "web.default.svc.cluster.local"];
  const responses = await overTcp(port, Buffer.concat(names.map(question)), 3);
  const byName = new Map(responses.map((response) => [response.questions?.[0]?.name, response]));
  expect(byName.get(names[0] as string)?.answers).toHaveLength(60);
  expect(rcodeOf(byName.get(names[1] as string) as DecodedPacket)).toBe(3);
  expect(dataOf(byName.get(names[2] as string) as DecodedPacket)).toEqual(["10.96.0.50"]);
});

test("EDNS is answered with EDNS, and a version that does not exist with BADVERS", async () => {
  dns = await start();
  await dns.synced;
  const opt = (ednsVersion: number): Answer => ({
    type: "OPT",
    name: ".",
    udpPayloadSize: 4096,
    extendedRcode: 0,
    ednsVersion,
    flags: 0,
    flag_do: false,
    options: [],
  });
  const [port] = dns.ports as [number];
  const good = await overUdp(port, query("web.default.svc.cluster.local", "A", [opt(0)]));
  expect(good.additionals).toMatchObject([{ type: "OPT", udpPayloadSize: 1232 }]);
  const bad = await overUdp(port, query("web.default.svc.cluster.local", "A", [opt(1)]));
  expect(bad.additionals).toMatchObject([{ type: "OPT", extendedRcode: 1 }]);
});

test("malformed packets are refused or ignored, and the server goes on", async () => {
  dns = await start();
  await dns.synced;
  const [port] = dns.ports as [number];
  const looping = Buffer.from("000701000001000000000000c00c00010001", "hex");
  const broken = await overUdp(port, Buffer.alloc(0), Buffer.from([1, 2, 3]), looping);
  expect(rcodeOf(broken)).toBe(1);
  const update = query("web.default.svc.cluster.local");
  update.writeUInt16BE(0x2800, 2);
  expect(rcodeOf(await overUdp(port, update))).toBe(4);
  expect(dataOf(await overUdp(port, query("web.default.svc.cluster.local")))).toEqual(["10.96.0.50"]);
});

test("before the objects are known, the cluster's names fail rather than not exist; others are refused without an upstream", async () => {
  server.down = true;
  dns = await start();
  const [port] = dns.ports as [number];
  expect(rcodeOf(await overUdp(port, query("web.default.svc.cluster.local")))).toBe(2);
  expect(rcodeOf(await overUdp(port, query("example.org")))).toBe(5);
});

test("names of others are asked for upstream once and kept, and an alias to one of them is completed", async () => {
  const asked: string[] = [];
  const upstream = createSocket("udp4");
  upstream.on("message", (bytes, { port }) => {
    const { id, questions = [] } = decode(bytes);
    const name = questions[0]?.name as string;
    asked.push(name);
    const answers: Answer[] = [{ type: "A", name, ttl: 60, data: "192.0.2.1" }];
    upstream.send(encode({ type: "response", id, questions, answers }), port, "127.0.0.1");
  });
  await new Promise<void>((resolve) => upstream.bind(0, "127.0.0.1", resolve));
  closers.push(() => new Promise<void>((resolve) => upstream.close(() => resolve())));
  dns = await start([`127.0.0.1:${upstream.address().port}`]);
  await dns.synced;
  const [port] = dns.ports as [number];
  for (let i = 0; i < 2; i++) expect(dataOf(await overUdp(port, query("example.org")))).toEqual(["192.0.2.1"]);
  expect(asked).toEqual(["example.org"]);
  const completed = await overUdp(port, query("elsewhere.default.svc.cluster.local"));
  expect(dataOf(completed)).toEqual(["host.example", "192.0.2.1"]);
});

test("the server is published behind Service kube-dns, and withdrawn when it stops", async () => {
  dns = await start();
  await dns.published;
  const client = server.client();
  const { spec } = await client.services.get("kube-system", "kube-dns");
  expect(spec).toMatchObject({ clusterIP: "10.96.0.10", internalTrafficPolicy: "Local" });
  expect(spec?.selector).toBeUndefined();
  const slice = await client.endpointSlices.get("kube-system", "kube-dns-n1");
  expect(slice.endpoints).toMatchObject([{ addresses: ["127.0.0.1"], nodeName: "n1", conditions: { ready: true } }]);
  expect(slice.metadata.ownerReferences).toMatchObject([{ kind: "Node", name: "n1" }]);
  await dns.stop();
  closers.length = 0;
  const after = await client.endpointSlices.get("kube-system", "kube-dns-n1");
  expect(after.endpoints?.[0]?.conditions?.ready).toBe(false);
});

test("a stop does not wait for an API server that has gone", async () => {
  dns = await start();
  await dns.published;
  server.down = true;
  closers.length = 0;
  const began = performance.now();
  await dns.stop();
  expect(performance.now() - began).toBeLessThan(1_500);
});
