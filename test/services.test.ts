import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestCluster } from "./support/cluster.ts";
import { ask, echoServer, idlePod, inPod, nodePod } from "./support/echo.ts";
import { eventually } from "./support/eventually.ts";

const cluster = new TestCluster();
const kubectl = (...args: string[]) => cluster.kubectl(...args);
const [node1, node2] = ["172.30.0.11", "172.30.0.12"];

interface Service {
  spec: { clusterIP: string; ports: { nodePort: number }[]; healthCheckNodePort: number };
  status: { loadBalancer: { ingress?: { ip: string }[] } };
}

function service(name: string, selector: object, spec: object = {}): object {
  const ports = [
    { name: "tcp", port: 80, targetPort: 8080 },
    { name: "udp", port: 80, targetPort: 8080, protocol: "UDP" },
  ];
  return { apiVersion: "v1", kind: "Service", metadata: { name }, spec: { selector, ports, ...spec } };
}

const apply = (...objects: object[]) =>
  cluster.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
const hear = (pod: string, ...targets: string[]) => ask(cluster, pod, targets);
const addressOf = async (name: string) => (await cluster.get<Service>("service", name)).spec.clusterIP;
const podIP = async (name: string) => (await cluster.get<{ status: { podIP: string } }>("pod", name)).status.podIP;
const names = (answers: readonly string[]) => answers.map((answer) => answer.split(" ")[0]);
const repeated = (target: string, times = 8) => Array.from({ length: times }, () => target);

const on = (nodeName: string, more: object = {}) => ({ spec: { nodeName, ...more } });
const onlyB = { app: "echo", which: "b" };

beforeAll(async () => {
  await cluster.up("--members", "1");
  const echo = (name: string, nodeName: string) => {
    const labels = { app: "echo", which: name };
    return nodePod(name, echoServer, { labels, ...on(nodeName, { hostname: name, subdomain: "headless" }) });
  };
  const readiness = { readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 } };
  await apply(
    echo("a", "node-1"),
    echo("b", "node-2"),
    idlePod("client-1", on("node-1")),
    idlePod("client-2", on("node-2")),
    // Whoever is in a node's network is no pod for the others: a client from outside.
    idlePod("outside-1", on("node-1", { hostNetwork: true })),
    idlePod("outside-2", on("node-2", { hostNetwork: true })),
    // Goes on serving while it terminates, until it is told to end.
    nodePod("leaving", echoServer.replace('process.on("SIGTERM", ', 'process.on("SIGTERM", () => {}).on("SIGINT", '), {
      labels: { app: "leaving" },
      container: readiness,
      spec: { terminationGracePeriodSeconds: 60 },
    }),
    service("echo", { app: "echo" }),
    service("sticky", { app: "echo" }, { sessionAffinity: "ClientIP" }),
    service("solo", { app: "echo", which: "a" }),
    service("swap", { app: "echo", which: "a" }),
    service("near", onlyB, { internalTrafficPolicy: "Local" }),
    service("nobody", { app: "nobody" }),
    service("outer", { app: "echo" }, { type: "NodePort", externalIPs: ["198.51.100.7"] }),
    service("outer-local", onlyB, { type: "NodePort", externalTrafficPolicy: "Local" }),
    service("balanced", onlyB, {
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      loadBalancerSourceRanges: ["10.244.0.0/16", `${node2}/32`],
    }),
    service("leaving", { app: "leaving" }),
    service("headless", { app: "echo" }, { clusterIP: "None" }),
    { ...service("alias", {}), spec: { type: "ExternalName", externalName: "echo.default.svc.cluster.local" } },
  );
  await kubectl("wait", "--for=condition=Ready", "pod", "--all", "--timeout=60s");
});
afterAll(() => cluster.remove());

describe("a cluster IP", () => {
  test("spreads connections and datagrams over pods of all nodes, which see the client's own address", async () => {
    const [ip, client] = [await addressOf("echo"), await podIP("client-1")];
    for (const target of [`${ip}:80`, `${ip}:80/udp`]) {
      const answers = await eventually(`both answer at ${target}`, async () => {
        const heard = await hear("client-1", ...repeated(target, 10));
        return new Set(heard).size === 2 && heard;
      });
      expect(new Set(answers)).toEqual(new Set([`a ${client}`, `b ${client}`]));
    }
  });

  test("keeps a client at one pod under session affinity", async () => {
    const heard = await hear("client-1", ...repeated(`${await addressOf("sticky")}:80`));
    expect(new Set(heard).size).toBe(1);
  });

  test("leads a pod to itself, which then does not see itself as the client", async () => {
    const ip = await addressOf("solo");
    const [tcp, udp] = (await hear("a", `${ip}:80`, `${ip}:80/udp`)) as [string, string];
    expect(names([tcp, udp])).toEqual(["a", "a"]);
    expect(tcp.split(" ")[1]).not.toBe(await podIP("a"));
  });

  test("refuses at once where nobody is behind it, and on ports it does not have", async () => {
    const targets = [
      `${await addressOf("nobody")}:80`,
      `${await addressOf("nobody")}:80/udp`,
      `${await addressOf("echo")}:81`,
    ];
    for (const from of ["client-1", "outside-1"])
      expect(await hear(from, ...targets)).toEqual(["ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED"]);
  });

  test("with the internal policy Local leads nowhere from a node without a pod of it", async () => {
    const target = `${await addressOf("near")}:80`;
    expect(names(await hear("client-2", target))).toEqual(["b"]);
    expect(await hear("client-1", target)).toEqual(["timeout"]);
  });

  test("sends the datagrams of a socket that stays open to the new pod when the old one is taken out", async () => {
    const insisting = `
const socket = require("node:dgram").createSocket("udp4");
let last;
socket.on("message", (bytes) => {
  const [name] = String(bytes).split(" ");
  if (name !== last) console.log(name);
  last = name;
});
setInterval(() => socket.send("hello", 80, process.argv[1]), 50);`;
    const command = ["node", "-e", insisting, await addressOf("swap")];
    await apply(nodePod("insisting", "", { container: { command }, ...on("node-1") }));
    const heard = async () => (await kubectl("logs", "insisting")).trim().split("\n");
    await eventually("a answers", async () => (await heard()).includes("a"));
    await kubectl("patch", "service", "swap", "-p", '{"spec":{"selector":{"which":"b"}}}');
    await eventually("b answers", async () => (await heard()).includes("b"), 15_000);
    expect(await heard()).toEqual(["a", "b"]);
    await kubectl("delete", "pod", "insisting", "--wait=false");
  });

  test("still leads to its last pod while that terminates and serves, and refuses afterwards", async () => {
    const target = `${await addressOf("leaving")}:80`;
    await kubectl("delete", "pod", "leaving", "--wait=false");
    const conditions = "{.items[0].endpoints[0].conditions}";
    const of = ["-l", "kubernetes.io/service-name=leaving", "-o", `jsonpath=${conditions}`];
    await eventually("its endpoint is terminating", async () =>
      /"terminating":true/.test(await kubectl("get", "endpointslices", ...of)),
    );
    expect(names(await hear("client-1", ...repeated(target, 3)))).toEqual(["leaving", "leaving", "leaving"]);
    await kubectl("exec", "leaving", "--", "kill", "-INT", "1");
    await eventually("it refuses", async () => (await hear("client-1", target))[0] === "ECONNREFUSED");
  });
});

describe("addresses for clients outside", () => {
  test("a node port leads from every node to every pod, which sees the node", async () => {
    const [tcp, udp] = (await cluster.get<Service>("service", "outer")).spec.ports.map(({ nodePort }) => nodePort);
    const [near, far] = [`${node1}:${tcp}`, `${node2}:${tcp}`];
    const heard = await hear("outside-1", ...repeated(near, 12), ...repeated(far, 12), `${node2}:${udp}/udp`);
    for (const part of [heard.slice(0, 12), heard.slice(12)]) expect(new Set(names(part))).toEqual(new Set(["a", "b"]));
    expect(heard.slice(12).find((answer) => answer.startsWith("a "))).toBe(`a ${node2}`);
  });

  test("a node port with policy Local keeps the client's address, and is silent on nodes without a pod of it", async () => {
    const { nodePort } = (await cluster.get<Service>("service", "outer-local")).spec.ports[0] as { nodePort: number };
    expect(await hear("outside-1", `${node2}:${nodePort}`)).toEqual([`b ${node1}`]);
    expect(await hear("outside-2", `${node1}:${nodePort}`)).toEqual(["timeout"]);
    expect(names(await hear("client-1", `${node1}:${nodePort}`)), "pods reach it through any node").toEqual(["b"]);
  });

  test("an external IP is answered wherever it arrives", async () => {
    expect(new Set(names(await hear("client-2", ...repeated("198.51.100.7:80", 12))))).toEqual(new Set(["a", "b"]));
  });

  test("a load balancer's address lets in whom its ranges name, and health checks tell nodes apart", async () => {
    const { spec, status } = await eventually("it has an address", async () => {
      const found = await cluster.get<Service>("service", "balanced");
      return found.status.loadBalancer.ingress !== undefined && found;
    });
    const target = `${status.loadBalancer.ingress?.[0]?.ip}:80`;
    expect(names(await hear("client-1", target))).toEqual(["b"]);
    expect(names(await hear("outside-2", target))).toEqual(["b"]);
    expect(await hear("outside-1", target)).toEqual(["timeout"]);
    const checking = `Promise.all(JSON.parse(process.argv[1]).map((url) => fetch(url).then(async (answer) => [answer.status, (await answer.json()).localEndpoints]))).then((all) => console.log(JSON.stringify(all)))`;
    const urls = [node1, node2].map((ip) => `http://${ip}:${spec.healthCheckNodePort}/`);
    expect(await inPod(cluster, "client-1", checking, [...urls, `http://${node1}:10256/healthz`])).toEqual([
      [503, 0],
      [200, 1],
      [200, null], // the node's proxy keeps up
    ]);
  });
});

describe("names", () => {
  test("of every kind of Service, of its ports, its pods and their addresses", async () => {
    const resolving = `
const dns = require("node:dns").promises;
const zone = "default.svc.cluster.local";
const [a] = JSON.parse(process.argv[1]);
const sorted = async (promise) => (await promise).map((it) => it.name ?? it).sort();
(async () => console.log(JSON.stringify({
  short: (await dns.lookup("echo")).address,
  headless: await sorted(dns.resolve4("headless." + zone)),
  pod: await dns.resolve4("a.headless." + zone),
  locations: await sorted(dns.resolveSrv("_tcp._tcp.headless." + zone)),
  reverse: await dns.reverse(a),
  alias: await dns.resolveCname("alias." + zone),
  behindAlias: (await dns.lookup("alias")).address,
  dashed: await dns.resolve4(a.replaceAll(".", "-") + ".default.pod.cluster.local"),
  nobody: await dns.resolve4("nobody-at-all." + zone).catch((error) => error.code),
})))();`;
    const [a, b, echo] = [await podIP("a"), await podIP("b"), await addressOf("echo")];
    expect(await inPod(cluster, "client-1", resolving, [a])).toEqual({
      short: echo,
      headless: [a, b].sort(),
      pod: [a],
      locations: ["a.headless.default.svc.cluster.local", "b.headless.default.svc.cluster.local"],
      reverse: ["a.headless.default.svc.cluster.local"],
      alias: ["echo.default.svc.cluster.local"],
      behindAlias: echo,
      dashed: [a],
      nobody: "ENOTFOUND",
    });
  });
});

describe("a node agent that dies", () => {
  test("takes no connection through a Service with it, and the next one forwards on", async () => {
    const ticking = `require("node:net").createServer((socket) => {
  socket.on("error", () => {});
  setInterval(() => socket.write("."), 50);
}).listen(8080);`;
    const listening = `
const socket = require("node:net").connect({ host: process.argv[1], port: 80 });
let ticks = 0;
socket.on("data", (chunk) => { ticks += chunk.length; });
for (const end of ["end", "error"]) socket.on(end, () => console.log("ended"));
setInterval(() => console.log(ticks), 200);`;
    await apply(
      nodePod("ticking", ticking, { labels: { app: "ticking" }, ...on("node-2") }),
      service("ticking", { app: "ticking" }),
    );
    await kubectl("wait", "--for=condition=Ready", "pod/ticking", "--timeout=30s");
    const command = ["node", "-e", listening, await addressOf("ticking")];
    await apply(nodePod("listening", "", { container: { command }, ...on("node-1") }));
    const ticks = async () => Number((await kubectl("logs", "listening", "--tail=1")).trim());
    await eventually("it ticks", async () => (await ticks()) > 5);
    const before = await cluster.pidOf("node-1");
    process.kill(before, "SIGKILL");
    await eventually("another agent runs", async () => (await cluster.pidOf("node-1")) !== before);
    const atRestart = await eventually("its logs can be read", ticks);
    await eventually(`it ticks on from ${atRestart}`, async () => {
      if ((await ticks()) > atRestart + 20) return true;
      throw new Error(await kubectl("logs", "listening", "--tail=5", "--timestamps"));
    });
    expect(await kubectl("logs", "listening")).not.toContain("ended");
    expect(new Set(names(await hear("client-1", ...repeated(`${await addressOf("echo")}:80`, 10)))).size).toBe(2);
  });
});
