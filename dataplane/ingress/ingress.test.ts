import { Agent, createServer, type IncomingMessage, type RequestListener, request, type Server } from "node:http";
import { connect as connectH2 } from "node:http2";
import { request as secureRequest } from "node:https";
import { type AddressInfo, connect, createServer as createNetServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { afterEach, expect, it } from "vitest";
import { Deferred } from "../../base/mod.ts";
import { FakeApiServer } from "../../controlplane/client/fake.testing.ts";
import { systemClock } from "../../controlplane/client/mod.ts";
import { selfSigned } from "../../controlplane/client/tls.testing.ts";
import { startIngress } from "./mod.ts";
import type { Listener } from "./proxy.ts";

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function endpoint(listener: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, port: (server.address() as AddressInfo).port };
}

const networking = { group: "networking.k8s.io", version: "v1" };
const ingresses = { ...networking, plural: "ingresses", kind: "Ingress", namespaced: true };
const classes = { ...networking, plural: "ingressclasses", kind: "IngressClass", namespaced: false };

/** A cluster with Services on loopback ports, and an ingress in front of it. */
async function world(http: Listener = { host: "127.0.0.1", port: 0 }) {
  const api = new FakeApiServer(systemClock);
  const client = api.client();
  const slice = (service: string, ports: readonly number[]) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    addressType: "IPv4" as const,
    endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
    ports: ports.map((port) => ({ name: "web", port, protocol: "TCP" as const })),
    metadata: { name: service, namespace: "shop", labels: { "kubernetes.io/service-name": service } },
  });
  const service = async (name: string, ...ports: number[]) => serviceOf(undefined, name, ...ports);
  const serviceOf = async (appProtocol: string | undefined, name: string, ...ports: number[]) => {
    await client.services.create({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace: "shop" },
      spec: { ports: [{ name: "web", port: 80, targetPort: 8080, protocol: "TCP", appProtocol }] },
    });
    await client.endpointSlices.create(slice(name, ports));
  };
  const setEndpoints = (name: string, ...ports: number[]) => client.endpointSlices.update(slice(name, ports));
  const ingress = (name: string, host: string, to: string, tls?: { hosts: string[]; secretName: string }[]) =>
    client.resource(ingresses).create({
      apiVersion: "networking.k8s.io/v1",
      kind: "Ingress",
      metadata: { name, namespace: "shop" },
      spec: {
        tls,
        rules: [
          {
            host,
            http: {
              paths: [{ path: "/", pathType: "Prefix", backend: { service: { name: to, port: { name: "web" } } } }],
            },
          },
        ],
      },
    } as never);
  const start = async (more: { responseMs?: number } = {}) => {
    const running = await startIngress({
      client,
      log: () => undefined,
      http: [http],
      https: [{ host: "127.0.0.1", port: 0 }],
      statusAddress: "172.30.0.3",
      timeouts: { connectMs: 1_000, responseMs: more.responseMs ?? 5_000 },
      clock: systemClock,
    });
    cleanups.push(() => running.stop());
    return { running, port: running.httpPorts[0] as number, securePort: running.httpsPorts[0] as number };
  };
  return { api, client, service, serviceOf, setEndpoints, ingress, start };
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingMessage["headers"];
}

function ask(port: number, host: string, options: Record<string, unknown> = {}, body?: string): Promise<Answer> {
  const answer = new Deferred<Answer>();
  const asked = request({ host: "127.0.0.1", port, headers: { host }, ...options }, async (message) => {
    try {
      answer.resolve({ status: message.statusCode ?? 0, body: await text(message), headers: message.headers });
    } catch (error) {
      answer.reject(error);
    }
  });
  asked.on("error", answer.reject);
  asked.end(body);
  return answer.promise;
}

it("routes by host, says who asked, keeps the connection's headers to itself; 404 without a rule, 503 without endpoints", async () => {
  const { service, ingress, start, client } = await world();
  const a = await endpoint(async (message, response) => {
    response.setHeader("keep-alive", "timeout=77");
    response.end(JSON.stringify({ ...message.headers, body: await text(message) }));
  });
  await service("a", a.port);
  await service("empty");
  await ingress("a", "a.example.com", "a");
  await ingress("empty", "empty.example.com", "empty");
  const { port } = await start();

  const headers = {
    host: "a.example.com:8080",
    "x-forwarded-for": "10.9.8.7",
    connection: "x-secret",
    "x-secret": "1",
  };
  const { status, body } = await ask(port, "", { method: "POST", headers }, "hello");
  expect(status).toBe(200);
  const seen = JSON.parse(body);
  expect(seen).toMatchObject({
    host: "a.example.com:8080",
    "x-forwarded-for": "10.9.8.7, 127.0.0.1",
    "x-forwarded-proto": "http",
    "x-forwarded-host": "a.example.com:8080",
    body: "hello",
  });
  expect(seen["x-secret"]).toBeUndefined();
  expect((await ask(port, "b.example.com")).status).toBe(404);
  expect((await ask(port, "empty.example.com")).status).toBe(503);

  // The class was made, and the address written.
  const made = await client.clusterResource(classes).get("flotilla");
  expect(made.metadata.annotations).toEqual({ "ingressclass.kubernetes.io/is-default-class": "true" });
  await expect
    .poll(() => client.resource(ingresses).get("shop", "a"))
    .toMatchObject({ status: { loadBalancer: { ingress: [{ ip: "172.30.0.3" }] } } });
});

it("takes over a socket that listens already", async () => {
  const listening = createNetServer();
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const { service, ingress, start } = await world(listening);
  await service("a", (await endpoint((_, response) => response.end("here"))).port);
  await ingress("a", "a.com", "a");
  const { port } = await start();
  expect(port).toBe((listening.address() as AddressInfo).port);
  expect((await ask(port, "a.com")).body).toBe("here");
});

it("shows each name its certificate, over HTTP/1.1 and HTTP/2, and a renewed one without a restart", async () => {
  const { client, service, ingress, start } = await world();
  const { port: to } = await endpoint((message, response) => response.end(`${message.headers["x-forwarded-proto"]}`));
  const secret = async (commonName: string) => {
    const { cert, key } = await selfSigned(commonName);
    const base64 = (pem: string) => Buffer.from(pem).toString("base64");
    return {
      apiVersion: "v1",
      kind: "Secret",
      type: "kubernetes.io/tls",
      metadata: { name: "a-tls", namespace: "shop" },
      data: { "tls.crt": base64(cert), "tls.key": base64(key) },
    };
  };
  await client.secrets.create(await secret("first"));
  await service("a", to);
  await ingress("a", "a.com", "a", [{ hosts: ["a.com"], secretName: "a-tls" }]);
  const { securePort } = await start();
  const shown = async (servername: string) => {
    const socket = connectTls({ host: "127.0.0.1", port: securePort, servername, rejectUnauthorized: false });
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    const name = socket.getPeerCertificate().subject.CN;
    socket.destroy();
    return name;
  };
  expect(await shown("a.com")).toBe("first");
  expect(await shown("b.com")).toBe("flotilla ingress default certificate");

  const session = connectH2(`https://127.0.0.1:${securePort}`, { servername: "a.com", rejectUnauthorized: false });
  cleanups.push(() => session.destroy());
  const overH2 = () => text(session.request({ ":path": "/", ":authority": "a.com" }));
  expect(await overH2()).toBe("https");

  await client.secrets.update(await secret("second"));
  await expect.poll(() => shown("a.com")).toBe("second");
  expect(await overH2()).toBe("https"); // The connection from before lives on.

  const one = new Deferred<string>();
  const options = { host: "127.0.0.1", port: securePort, servername: "a.com", headers: { host: "a.com" } };
  secureRequest({ ...options, rejectUnauthorized: false }, (message) => one.resolve(text(message))).end();
  expect(await one.promise).toBe("https");
});

it("tells HTTP/2 from HTTP/1 by the first bytes, however slowly they come", async () => {
  const { service, ingress, start } = await world();
  const { port: to } = await endpoint(async (message, response) =>
    response.end(`${message.method} ${await text(message)}`),
  );
  await service("a", to);
  await ingress("a", "a.com", "a");
  const { port } = await start();
  const session = connectH2(`http://127.0.0.1:${port}`);
  cleanups.push(() => session.destroy());
  expect(await text(session.request({ ":path": "/", ":authority": "a.com" }))).toBe("GET ");

  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  for (const byte of "POST / HTTP/1.1\r\nhost: a.com\r\nconnection: close\r\ncontent-length: 2\r\n\r\nPR") {
    await new Promise<void>((resolve) => socket.write(byte, () => setImmediate(resolve)));
  }
  expect(await text(socket)).toMatch(/^HTTP\/1.1 200 [\s\S]*POST PR/);
});

it("passes an upgrade through, both ways", async () => {
  const { service, ingress, start } = await world();
  const { server, port: to } = await endpoint((_, response) => response.end());
  server.on("upgrade", (_message: IncomingMessage, socket: Socket) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello ");
    socket.pipe(socket);
  });
  await service("a", to);
  await ingress("a", "a.com", "a");
  const { port } = await start();
  const upgraded = new Deferred<[Socket, Buffer]>();
  const headers = { host: "a.com", connection: "Upgrade", upgrade: "echo" };
  const asked = request({ host: "127.0.0.1", port, headers });
  asked.on("upgrade", (_, socket, head) => upgraded.resolve([socket as Socket, head])).end();
  const [socket, head] = await upgraded.promise;
  socket.end("world");
  expect(head.toString() + (await text(socket))).toBe("hello world");
});

it("loses no request when an endpoint goes away under load", async () => {
  const { service, setEndpoints, ingress, start } = await world();
  const one = await endpoint((_, response) => response.end("one"));
  const two = await endpoint((_, response) => response.end("two"));
  await service("a", one.port, two.port);
  await ingress("a", "a.com", "a");
  const { port } = await start();
  const agent = new Agent({ keepAlive: true });
  cleanups.push(() => agent.destroy());
  const answers: Answer[] = [];
  let done = false;
  const load = Array.from({ length: 16 }, async () => {
    while (!done) answers.push(await ask(port, "a.com", { agent }));
  });
  await expect.poll(() => answers.length, { timeout: 10_000 }).toBeGreaterThan(200);
  expect(new Set(answers.map(({ body }) => body))).toEqual(new Set(["one", "two"]));
  // The process is killed before the slice says so.
  one.server.close();
  one.server.closeAllConnections();
  const then = answers.length;
  await expect.poll(() => answers.length, { timeout: 10_000 }).toBeGreaterThan(then + 200);
  await setEndpoints("a", two.port);
  await expect.poll(() => answers.length, { timeout: 10_000 }).toBeGreaterThan(then + 400);
  done = true;
  await Promise.all(load);
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
});

it("asks a single endpoint again when its connection from before turns out to be dead", async () => {
  const { service, ingress, start } = await world();
  const used = new Set<Socket>();
  const { port: to } = await endpoint(({ socket }, response) => {
    if (used.has(socket)) socket.resetAndDestroy();
    else response.end("here");
    used.add(socket);
  });
  await service("a", to);
  await ingress("a", "a.com", "a");
  const { port } = await start();
  for (let i = 0; i < 5; i++) expect(await ask(port, "a.com")).toMatchObject({ status: 200, body: "here" });
  expect(used.size).toBe(5);
});

it("sends a small body again with its request, and a large one never", async () => {
  const { service, ingress, start } = await world();
  let heard = 0;
  const { port: to } = await endpoint(async (message, response) => {
    heard++;
    const body = await text(message);
    // The first of each request's attempts breaks off.
    if (heard % 2 === 1) message.socket.destroy();
    else response.end(String(body.length));
  });
  await service("a", to);
  await ingress("a", "a.com", "a");
  const { port } = await start();
  const put = (bytes: number) => ask(port, "a.com", { method: "PUT" }, "x".repeat(bytes));
  expect(await put(1_000)).toMatchObject({ status: 200, body: "1000" });
  expect(heard).toBe(2);
  expect(await put(100_000)).toMatchObject({ status: 502 });
  expect(heard).toBe(3);
});

it("answers 504 when the endpoint is silent, and 502 when it breaks off before it answers a POST", async () => {
  const { service, ingress, start } = await world();
  let attempts = 0;
  const { port: to } = await endpoint((message) => {
    attempts++;
    if (message.method === "POST") message.socket.destroy();
  });
  await service("a", to);
  await ingress("a", "a.com", "a");
  const { port } = await start({ responseMs: 50 });
  expect((await ask(port, "a.com")).status).toBe(504);
  expect((await ask(port, "a.com", { method: "POST" }, "x")).status).toBe(502);
  expect(attempts).toBe(2);
});

it("reads an answer only as fast as the client takes it", async () => {
  const { service, ingress, start } = await world();
  const chunk = Buffer.alloc(1 << 20);
  const chunks = 100;
  let sent = 0;
  const { port: to } = await endpoint((_, response) => {
    const more = () => {
      while (sent < chunks) {
        sent++;
        if (!response.write(chunk)) return;
      }
      response.end();
    };
    response.on("drain", more);
    more();
  });
  await service("a", to);
  await ingress("a", "a.com", "a");
  const { port } = await start();
  const message = await new Promise<IncomingMessage>((resolve) => {
    request({ host: "127.0.0.1", port, headers: { host: "a.com" } }, resolve).end();
  });
  let before = -1;
  const comesToRest = () => {
    const same = sent === before;
    before = sent;
    return same;
  };
  await expect.poll(comesToRest, { interval: 200, timeout: 10_000 }).toBe(true);
  expect(sent).toBeLessThan(chunks / 2);
  let bytes = 0;
  for await (const part of message) bytes += (part as Buffer).length;
  expect(bytes).toBe(chunks * chunk.length);
});

it("ends the request at the endpoint when the client goes away", async () => {
  const { service, ingress, start } = await world();
  const arrived = new Deferred<void>();
  const gone = new Deferred<void>();
  const { port: to } = await endpoint((_, response) => {
    response.on("close", gone.resolve);
    arrived.resolve();
  });
  await service("a", to);
  await ingress("a", "a.com", "a");
  const { port } = await start();
  const asked = request({ host: "127.0.0.1", port, headers: { host: "a.com" } }).on("error", () => undefined);
  asked.end();
  await arrived.promise;
  asked.destroy();
  await gone.promise;
});

it("finishes requests under way when it stops, and takes no new ones", async () => {
  const { service, ingress, start } = await world();
  const arrived = new Deferred<void>();
  const mayAnswer = new Deferred<void>();
  const { port: to } = await endpoint(async (_, response) => {
    arrived.resolve();
    await mayAnswer.promise;
    response.end("finished");
  });
  await service("a", to);
  await ingress("a", "a.com", "a");
  const { running, port } = await start();
  const agent = new Agent({ keepAlive: true });
  cleanups.push(() => agent.destroy());
  const silent = connect({ host: "127.0.0.1", port });
  const dismissed = new Promise((resolve) => silent.once("close", resolve));
  const answer = ask(port, "a.com", { agent });
  await arrived.promise;
  const stopped = running.stop();
  await expect(ask(port, "a.com")).rejects.toThrow("ECONNREFUSED");
  await dismissed;
  mayAnswer.resolve();
  expect(await answer).toMatchObject({ body: "finished", headers: { connection: "close" } });
  await stopped;
});
