import { once } from "node:events";
import { createServer, request as httpRequest, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { seededRandom } from "../../../../base/mod.ts";
import { requestUpgrade, type UpgradeRequest } from "../../../../streaming/mod.ts";
import { type Pod, StatusError } from "../../../api/mod.ts";
import { pod, TestApi } from "../../api.testing.ts";
import { loopback } from "../../auth/user.ts";
import { type Reply, send } from "../../http/reply.ts";
import { parseRequest } from "../../http/request-info.ts";
import { type SplitName, serviceLocation } from "./locations.ts";

const at = "/api/v1/namespaces/default";
let api: TestApi;
/** What a client speaks to. */
let front: Server;
/** What listens in the pod: tells what it was asked, or redirects, or leaves HTTP. */
let backend: Server;
let backendPort: number;

beforeAll(async () => {
  backend = createServer(async (request, response) => {
    const { method, url, headers } = request;
    if (url?.startsWith("/moved?")) return response.writeHead(302, { location: url.slice(7) }).end();
    const body = await text(request);
    response.writeHead(url === "/missing" ? 404 : 200, { "x-answer": "yes" });
    response.end(JSON.stringify({ method, url, headers, body }));
  });
  backend.on("upgrade", (request, socket) => {
    if (request.url === "/refused") return void socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    const { authorization = "none", upgrade } = request.headers;
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${upgrade}\r\nX-Heard: ${authorization}\r\n\r\n`,
    );
    socket.pipe(socket);
  });
  front = createServer(
    (request, response) =>
      void answer(request, undefined, (reply) => {
        void send(request, response, reply, {}, new AbortController().signal);
      }),
  );
  front.on("upgrade", (request, socket, head) => {
    const upgrade = { request, socket, head };
    void answer(request, upgrade, async (reply) => {
      if (reply.kind === "session") return await reply.serve(upgrade);
      const body = reply.kind === "passed" ? await text(reply.body) : String((reply as { body: unknown }).body);
      const code = (reply as { code: number }).code;
      socket.end(`HTTP/1.1 ${code} Answer\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    });
  });
  for (const server of [front, backend]) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }
  backendPort = (backend.address() as AddressInfo).port;
});

afterAll(() => {
  for (const server of [front, backend]) {
    server.closeAllConnections();
    server.close();
  }
});

async function answer(request: IncomingMessage, upgrade: UpgradeRequest | undefined, take: (reply: Reply) => unknown) {
  const [path = "", search = ""] = (request.url ?? "").split("?", 2);
  const query = new URLSearchParams(search);
  const info = parseRequest(request.method ?? "GET", path, query);
  if (info.kind !== "resource") throw new Error(`${path} is no resource`);
  const call = {
    info,
    query,
    user: loopback,
    headers: request.headers,
    signal: new AbortController().signal,
    connection: { request, upgrade },
    body: async () => Buffer.alloc(0),
    warn: () => undefined,
  };
  try {
    await take(await api.core.resources.handle(call));
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    const { code = 500 } = error.status;
    await take({ kind: "body", code, contentType: "application/json", body: JSON.stringify(error.status) });
  }
}

const frontPort = () => (front.address() as AddressInfo).port;

async function ask(method: string, path: string, headers: Record<string, string> = {}, body = "") {
  const request = httpRequest({ host: "127.0.0.1", port: frontPort(), method, path, headers, agent: false });
  request.end(body);
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return { code: response.statusCode, headers: response.headers, body: await text(response) };
}

/** Asks, and gives back what the backend heard. */
async function heard(method: string, path: string, headers: Record<string, string> = {}, body = "") {
  return JSON.parse((await ask(method, path, headers, body)).body);
}

async function running(name: string, port: number) {
  const created = pod(name) as unknown as Pod;
  const containers = created.spec.containers.map((one) => ({ ...one, ports: [{ containerPort: port }] }));
  await api.request("POST", `${at}/pods`, { ...created, spec: { ...created.spec, containers } });
  await api.request("PATCH", `${at}/pods/${name}/status`, { status: { podIP: "127.0.0.1" } });
}

beforeEach(async () => {
  api = await TestApi.open();
  await running("web", backendPort);
});

describe("pods/proxy", () => {
  test("method, path, query and body arrive; who the client is to us does not", async () => {
    const headers = {
      authorization: "Bearer secret",
      "impersonate-user": "eve",
      "x-own": "kept",
      "content-type": "a/b",
    };
    const seen = await heard("POST", `${at}/pods/web/proxy/a%20b/c?d=e&d=f`, headers, "the body");
    expect(seen).toMatchObject({ method: "POST", url: "/a%20b/c?d=e&d=f", body: "the body" });
    expect(seen.headers).toMatchObject({ "x-own": "kept", "content-type": "a/b", host: `127.0.0.1:${backendPort}` });
    expect(seen.headers["x-forwarded-uri"]).toBe(`${at}/pods/web/proxy/a%20b/c`);
    for (const ours of ["authorization", "impersonate-user"]) expect(seen.headers).not.toHaveProperty(ours);
  });

  test("the answer comes back as it is", async () => {
    const { code, headers } = await ask("GET", `${at}/pods/web/proxy/missing`);
    expect([code, headers["x-answer"]]).toEqual([404, "yes"]);
  });

  test("the port is the first of the pod, or the one that is named", async () => {
    await running("other", 1);
    expect((await ask("GET", `${at}/pods/other/proxy/`)).code).toBe(503);
    expect((await heard("GET", `${at}/pods/other:${backendPort}/proxy/x`)).url).toBe("/x");
    expect((await heard("GET", `${at}/pods/http:other:${backendPort}/proxy/x`)).url).toBe("/x");
  });

  test("a page without its slash is sent to it", async () => {
    const { code, headers } = await ask("GET", `${at}/pods/web/proxy?a=b`);
    expect([code, headers.location]).toEqual([301, `${at}/pods/web/proxy/?a=b`]);
  });

  test("redirections within the pod lead through the proxy, others away", async () => {
    const locationOf = async (to: string) => (await ask("GET", `${at}/pods/web/proxy/moved?${to}`)).headers.location;
    expect(await locationOf("/there")).toBe(`${at}/pods/web/proxy/there`);
    expect(await locationOf("beside")).toBe(`${at}/pods/web/proxy/beside`);
    expect(await locationOf("https://example.com/x")).toBe("https://example.com/x");
  });

  test.each([
    ["ftp:web:80", 400, 'invalid pod request \\"ftp:web:80\\"'],
    ["web:none", 400, 'invalid port \\"none\\"'],
    ["gone", 404, 'pods \\"gone\\" not found'],
  ])("%s gets %i", async (name, code, message) => {
    expect(await ask("GET", `${at}/pods/${name}/proxy/`)).toMatchObject({
      code,
      body: expect.stringContaining(message),
    });
  });

  test("a pod without an address cannot be asked", async () => {
    await api.request("POST", `${at}/pods`, pod("pending"));
    expect(await ask("GET", `${at}/pods/pending/proxy/`)).toMatchObject({
      code: 400,
      body: expect.stringContaining("address not allowed"),
    });
  });

  const upgraded = (path: string) =>
    requestUpgrade({
      secure: false,
      host: "127.0.0.1",
      port: frontPort(),
      path,
      headers: { Connection: "Upgrade", Upgrade: "echo", Authorization: "Bearer secret" },
    });

  test("an upgrade is passed on, and every byte after it", async () => {
    const session = await upgraded(`${at}/pods/web/proxy/echo`);
    if (session.kind === "answered") throw new Error(await text(session.response));
    expect(session.response.headers).toMatchObject({ upgrade: "echo", "x-heard": "none" });
    session.socket.end("there and back");
    expect(await text(session.socket)).toBe("there and back");
  });

  test("an upgrade that the pod refuses is refused in its words", async () => {
    const { response } = await upgraded(`${at}/pods/web/proxy/refused`);
    expect([response.statusCode, await text(response)]).toEqual([403, "no"]);
  });
});

describe("services/proxy", () => {
  const slice = (name: string, endpoints: object[]) => ({
    metadata: { name, labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [{ name: "main", port: 8080 }],
    endpoints,
  });
  const slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
  beforeEach(async () => {
    const spec = {
      ports: [
        { name: "main", port: 80 },
        { name: "unused", port: 81 },
      ],
      selector: { app: "web" },
    };
    await api.request("POST", `${at}/services`, { metadata: { name: "web" }, spec });
  });

  const locate = (split: Partial<SplitName>) => {
    const { registry } = api.core;
    const services = registry.need("", "v1", "services");
    const name: SplitName = { scheme: "", name: "web", port: "", ...split };
    return serviceLocation(registry, services, "default", name, seededRandom(1));
  };

  test("one of the endpoints that are ready is asked, by the port's number or its name", async () => {
    const endpoint = (address: string, ready?: boolean) => ({
      addresses: [address],
      conditions: { ready },
      nodeName: "n1",
    });
    await api.request("POST", slices, slice("web-1", [endpoint("10.244.0.1", false), endpoint("10.244.0.2", true)]));
    await api.request("POST", slices, { ...slice("other", [endpoint("10.244.0.3")]), metadata: { name: "other" } });
    const ready = { scheme: "http", address: "10.244.0.2", port: 8080, nodeName: "n1" };
    expect(await locate({ port: "80" })).toEqual(ready);
    expect(await locate({ port: "main", scheme: "https" })).toEqual({ ...ready, scheme: "https" });
  });

  test("endpoints that are not ready are none", async () => {
    await api.request("POST", slices, slice("web-1", [{ addresses: ["10.244.0.1"], conditions: { ready: false } }]));
    expect(await ask("GET", `${at}/services/web:80/proxy/`)).toMatchObject({
      code: 503,
      body: expect.stringContaining('no endpoints available for service \\"web\\"'),
    });
  });

  test.each([
    ["web:82", 503, 'no service port 82 found for service \\"web\\"'],
    ["web:unused", 503, 'no endpoints available for service \\"web\\"'],
    ["gone", 404, 'services \\"gone\\" not found'],
  ])("%s gets %i", async (name, code, message) => {
    expect(await ask("GET", `${at}/services/${name}/proxy/`)).toMatchObject({
      code,
      body: expect.stringContaining(message),
    });
  });
});

describe.each(["exec?command=ls&stdout=1", "attach?stdout=1", "portforward?ports=80"])("pods/%s", (verb) => {
  test("needs a pod that has a node, and a client that leaves HTTP", async () => {
    expect(await ask("POST", `${at}/pods/web/${verb}`)).toMatchObject({
      code: 400,
      body: expect.stringContaining("pod web does not have a host assigned"),
    });
    await api.request("POST", `${at}/pods/web/binding`, { target: { kind: "Node", name: "n1" } });
    expect(await ask("POST", `${at}/pods/web/${verb}`)).toMatchObject({
      code: 400,
      body: expect.stringContaining("Upgrade request required"),
    });
  });
});
