import { writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect as connectH2 } from "node:http2";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { selfSigned } from "../controlplane/client/tls.testing.ts";
import { TestCluster } from "./support/cluster.ts";
import { eventually } from "./support/eventually.ts";

const cluster = new TestCluster();
const kubectl = (...args: string[]) => cluster.kubectl(...args);
let httpPort = 0;
let httpsPort = 0;
/** An address of the cluster as this machine has it. */
let here = (address: string) => address;

const wsModule = join(import.meta.dirname, "..", "node_modules", "ws");

/** Answers with its app's name and the path; `/slow` when somebody asked for `/go`; echoes on a WebSocket. Port 9090 speaks HTTP/2 alone. */
const server = `
const name = process.env.APP;
let waiting = [];
const { createServer } = require("node:http");
const http = createServer((request, response) => {
  if (request.url === "/slow") waiting.push(response);
  else {
    if (request.url === "/go") for (const it of waiting.splice(0)) it.end(name + " at last");
    response.end(name + " " + request.url);
  }
}).listen(8080);
const { WebSocketServer } = require(${JSON.stringify(wsModule)});
new WebSocketServer({ server: http }).on("connection", (socket) => socket.on("message", (it) => socket.send(name + " " + it)));
require("node:http2").createServer().on("stream", (stream) => {
  stream.respond({ ":status": 200 }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.end(name + " over HTTP/2");
}).listen(9090);
process.on("SIGTERM", () => process.exit(0));`;

/** A Deployment and a Service of its name. */
function app(name: string, service: object = {}, replicas = 1): object[] {
  const ports = [
    { name: "http", port: 80, targetPort: 8080 },
    { name: "h2c", port: 90, targetPort: 9090, appProtocol: "kubernetes.io/h2c" },
  ];
  const container = {
    ...{ name: "server", image: "host", command: ["node", "-e", server], env: [{ name: "APP", value: name }] },
    readinessProbe: { httpGet: { port: 8080, path: "/" }, periodSeconds: 1 },
  };
  return [
    {
      ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name } },
      spec: {
        ...{ replicas, selector: { matchLabels: { app: name } } },
        template: { metadata: { labels: { app: name } }, spec: { containers: [container] } },
      },
    },
    { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { selector: { app: name }, ports, ...service } },
  ];
}

const to = (service: string, port = "http") => ({ service: { name: service, port: { name: port } } });

function ingress(name: string, spec: object): object {
  return { apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name }, spec };
}

/** A rule with paths of type Prefix. */
function rule(host: string | undefined, paths: Record<string, object>): object {
  const all = Object.entries(paths).map(([path, backend]) => ({ path, pathType: "Prefix", backend }));
  return { ...(host !== undefined && { host }), http: { paths: all } };
}

const apply = (...items: object[]) => cluster.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items }));

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** On a connection of its own, unless an agent is given. */
function ask(host: string, path: string, agent: Agent | false = false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const query = request({ host: "127.0.0.1", port: httpPort, path, headers: { host }, agent }, (message) => {
      text(message).then((body) => resolve({ status: message.statusCode ?? 0, body }), reject);
    });
    query.on("error", reject).end();
  });
}

/** Waits until the controller has heard of a change. */
function comesTo(host: string, path: string, wanted: string | number): Promise<unknown> {
  return eventually(`${host}${path} is answered with ${wanted}`, async () => {
    const { status, body } = await ask(host, path);
    return (typeof wanted === "number" ? status : body) === wanted;
  });
}

beforeAll(async () => {
  await cluster.up("--members", "1");
  const { components, loopback } = await cluster.status();
  const where = components.find(({ name }) => name === "ingress")?.where ?? "";
  here = (address) => address.replace("172.30", loopback ?? "");
  [httpPort, httpsPort] = where.split(" ").map((url) => Number(new URL(url).port)) as [number, number];
  await apply(...app("shop"), ...app("cart"), ...app("rest"));
  for (const name of ["shop", "cart", "rest"])
    await kubectl("rollout", "status", `deployment/${name}`, "--timeout=60s");
});
afterAll(() => cluster.remove());

describe("rules", () => {
  test("by host and path lead to Services; what no rule wants gets the default backend", async () => {
    expect((await ask("shop.example.com", "/")).status).toBe(404);
    await apply(
      ingress("site", {
        defaultBackend: to("rest"),
        rules: [
          rule("shop.example.com", { "/": to("shop"), "/cart": to("cart") }),
          rule("*.example.org", { "/": to("cart") }),
        ],
      }),
    );
    await comesTo("shop.example.com", "/", "shop /");
    const told = await Promise.all(
      [
        ["shop.example.com", "/cart/1?x=y"],
        ["shop.example.com", "/cartoon"],
        ["eu.example.org", "/"],
        ["a.eu.example.org", "/any"],
        ["elsewhere.com", "/"],
      ].map(([host, path]) => ask(host as string, path as string)),
    );
    expect(told.map(({ body }) => body)).toEqual([
      "cart /cart/1?x=y",
      "shop /cartoon",
      "cart /",
      "rest /any",
      "rest /",
    ]);
  });

  test("are shown with the class they got by default and the address, which pods reach too", async () => {
    const seen = await kubectl("get", "ingress", "site");
    expect(seen).toMatch(/site\s+flotilla\s+shop\.example\.com,\*\.example\.org\s+172\.30\.0\.3\s+80/);
    expect(await kubectl("get", "ingressclass")).toMatch(/flotilla \(default\)\s+flotilla\.dev\/ingress/);
    const script = "fetch('http://172.30.0.3/from-a-pod').then((it) => it.text()).then(console.log)";
    const pod = (await kubectl("get", "pod", "-l", "app=rest", "-o", "name")).trim();
    expect(await kubectl("exec", pod, "--", "node", "-e", script)).toBe("rest /from-a-pod\n");
  });

  test("of another controller's class are left to it", async () => {
    const spec = { controller: "example.com/other" };
    await apply({ apiVersion: "networking.k8s.io/v1", kind: "IngressClass", metadata: { name: "other" }, spec });
    await apply(
      ingress("theirs", { ingressClassName: "other", rules: [rule("their.com", { "/": to("shop") })] }),
      ingress("after", { rules: [rule("after.com", { "/": to("shop") })] }),
    );
    await comesTo("after.com", "/", "shop /");
    expect((await ask("their.com", "/")).body).toBe("rest /");
    expect(await kubectl("get", "ingress", "theirs", "-o", "jsonpath={.status.loadBalancer}")).toBe("{}");
  });

  test("that say what cannot be are refused, with the reason", async () => {
    const refused = async (spec: object) => {
      const { code, stderr } = await cluster.tryKubectl(["apply", "-f", "-"], {
        input: JSON.stringify(ingress("bad", spec)),
      });
      expect(code).not.toBe(0);
      return stderr;
    };
    expect(await refused({})).toContain("either `defaultBackend` or `rules` must be specified");
    expect(await refused({ rules: [rule("shop.example.com", { cart: to("cart") })] })).toContain(
      "must be an absolute path",
    );
    expect(await refused({ rules: [rule("UPPER.com", { "/": to("cart") })] })).toContain("spec.rules[0].host");
    expect(await refused({ rules: [rule("10.0.0.1", { "/": to("cart") })] })).toContain("must be a DNS name");
    const both = { ...to("cart"), resource: { apiGroup: "v1", kind: "ConfigMap", name: "c" } };
    expect(await refused({ defaultBackend: both })).toContain("cannot set both resource and service backends");
  });
});

describe("TLS", () => {
  function handshake(servername: string): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const options = { host: "127.0.0.1", port: httpsPort, servername, rejectUnauthorized: false };
      const socket = connectTls({ ...options, ALPNProtocols: ["h2", "http/1.1"] }, () => resolve(socket));
      socket.on("error", reject);
    });
  }
  const commonName = async (servername: string) => {
    const socket = await handshake(servername);
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return subject.CN;
  };
  async function certificate(secret: string, name: string): Promise<void> {
    const { cert, key } = await selfSigned(name);
    const [certFile, keyFile] = ["crt", "key"].map((it) => join(cluster.scratch, `${secret}.${it}`)) as [
      string,
      string,
    ];
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
    const args = [
      "create",
      "secret",
      "tls",
      secret,
      `--cert=${certFile}`,
      `--key=${keyFile}`,
      "--dry-run=client",
      "-o",
    ];
    await cluster.apply(await kubectl(...args, "yaml"));
  }

  test("shows each name its certificate; HTTP/2 goes through to the endpoint, trailers and all", async () => {
    await Promise.all([certificate("one-tls", "one"), certificate("two-tls", "two")]);
    await apply(
      ingress("secure", {
        tls: [
          { hosts: ["one.com"], secretName: "one-tls" },
          { hosts: ["*.two.com"], secretName: "two-tls" },
        ],
        rules: [rule("one.com", { "/": to("cart", "h2c") }), rule("a.two.com", { "/": to("shop") })],
      }),
    );
    await eventually("one.com has its certificate", async () => (await commonName("one.com")) === "one");
    expect(await commonName("a.two.com")).toBe("two");
    expect(await commonName("elsewhere.com")).toBe("flotilla ingress default certificate");

    const over = await handshake("one.com");
    const session = connectH2("https://one.com", { createConnection: () => over });
    const stream = session.request({ ":path": "/" });
    const trailers = new Promise((resolve) => stream.once("trailers", resolve));
    expect(await text(stream)).toBe("cart over HTTP/2");
    expect(await trailers).toMatchObject({ "grpc-status": "0" });

    await certificate("one-tls", "renewed");
    await eventually("the new certificate is shown", async () => (await commonName("one.com")) === "renewed");
    expect(await text(session.request({ ":path": "/" }))).toBe("cart over HTTP/2"); // on the connection from before
    session.close();
  });
});

describe("connections", () => {
  test("live through changes: requests under way end well, WebSockets stay, the next request goes the new way", async () => {
    const toShop = ingress("live", { rules: [rule("live.com", { "/": to("shop") })] });
    await apply(toShop);
    await comesTo("live.com", "/", "shop /");
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set<unknown>();
    agent.on("free", (socket) => sockets.add(socket));
    const socket = new WebSocket(`ws://127.0.0.1:${httpPort}/`, { headers: { host: "live.com" } });
    const heard = () => new Promise((resolve) => socket.once("message", (data) => resolve(String(data))));
    await new Promise((resolve) => socket.once("open", resolve));
    const slow = ask("live.com", "/slow");
    expect((await ask("live.com", "/a", agent)).body).toBe("shop /a");

    await apply(ingress("live", { rules: [rule("live.com", { "/": to("cart") })] }));
    await comesTo("live.com", "/", "cart /");
    expect((await ask("live.com", "/b", agent)).body).toBe("cart /b");
    expect(sockets.size).toBe(1);
    const echo = heard();
    socket.send("still here");
    expect(await echo).toBe("shop still here");
    await ask("shop.example.com", "/go");
    expect((await slow).body).toBe("shop at last");
    socket.close();
    agent.destroy();
  });

  test("wait while a controller that was killed is started again", async () => {
    process.kill(await cluster.pidOf("ingress"), "SIGKILL");
    expect((await ask("shop.example.com", "/after")).body).toBe("shop /after");
  });
});

describe("a LoadBalancer", () => {
  const get = (url: string) => fetch(url, { headers: { connection: "close" } }).then((it) => it.text());

  test("is reached at its address by pods, and at the loopback address of the same name by this machine", async () => {
    await apply(...app("front", { type: "LoadBalancer" }, 2));
    await kubectl("rollout", "status", "deployment/front", "--timeout=60s");
    const address = await kubectl("get", "service", "front", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}");
    expect(address).toMatch(/^172\.30\.200\./);
    await eventually("this machine reaches it", async () => (await get(`http://${here(address)}/lb`)) === "front /lb");
    const nodePort = await kubectl("get", "service", "front", "-o", "jsonpath={.spec.ports[0].nodePort}");
    for (const node of ["172.30.0.11", "172.30.0.12"].map(here))
      expect(await get(`http://${node}:${nodePort}/np`)).toBe("front /np");
    const script = `fetch('http://${address}/').then((it) => it.text()).then(console.log)`;
    for (const pod of (await kubectl("get", "pod", "-l", "app=front", "-o", "name")).trim().split("\n")) {
      expect(await kubectl("exec", pod, "--", "node", "-e", script)).toBe("front /\n");
    }
  });

  test("with the Local policy leads to nodes with endpoints alone", async () => {
    const pinned = { spec: { replicas: 1, template: { spec: { nodeName: "node-2" } } } };
    await kubectl("patch", "deployment", "front", "-p", JSON.stringify(pinned));
    await kubectl("patch", "service", "front", "-p", '{"spec":{"externalTrafficPolicy":"Local"}}');
    await kubectl("rollout", "status", "deployment/front", "--timeout=60s");
    const address = await kubectl("get", "service", "front", "-o", "jsonpath={.status.loadBalancer.ingress[0].ip}");
    await eventually("every connection arrives", async () => {
      const answers = await Promise.all(
        Array.from({ length: 12 }, () => get(`http://${here(address)}/l`).catch(String)),
      );
      return answers.every((it) => it === "front /l");
    });
  });
});
