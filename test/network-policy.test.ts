import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestCluster } from "./support/cluster.ts";
import { ask, echoServer, idlePod, nodePod } from "./support/echo.ts";
import { eventually } from "./support/eventually.ts";

const cluster = new TestCluster();
const kubectl = (...args: string[]) => cluster.kubectl(...args);
const apply = (...objects: object[]) =>
  cluster.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime: string;
}

interface Pod {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly podIP: string;
    readonly conditions: readonly Condition[];
    readonly containerStatuses: readonly { readonly restartCount: number }[];
  };
}

const policy = (name: string, spec: object): object => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name, namespace: "shop" },
  spec: { podSelector: {}, ...spec },
});
const denyAll = policy("deny-all", { policyTypes: ["Ingress", "Egress"] });
const web = { podSelector: { matchLabels: { app: "web" } }, policyTypes: ["Ingress"] };
const namespace = (name: string, labels: object = {}) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels },
});

const addresses = new Map<string, string>();
const at = (name: string, port = 8080) => `${addresses.get(name)}:${port}`;

/** The targets' first words, or why there are none; what is dropped is silent for the patience of the one who asks. */
async function hears(pod: string, ...targets: string[]): Promise<string[]> {
  return (await ask(cluster, pod, targets, 300)).map((answer) => answer.split(" ")[0] as string);
}

/** A change of the rules is awaited by what it makes of a connection. */
const becomes = (pod: string, target: string, wanted: string) =>
  eventually(`${pod} hears "${wanted}" from ${target}`, async () => (await hears(pod, target))[0] === wanted);

const servers = async () => (await cluster.get<{ items: Pod[] }>("pods", "-n", "shop", "-l", "app")).items;
const readySince = ({ status }: Pod) =>
  status.conditions.find(({ type, status }) => type === "Ready" && status === "True");
let before: (Condition | undefined)[];

const on = (nodeName: string) => ({ spec: { nodeName } });

beforeAll(async () => {
  await cluster.up("--members", "1");
  await apply(namespace("shop"), namespace("partner", { team: "partner" }));
  // Policies hold for much longer than three seconds: probes that they stopped would show.
  const probe = { tcpSocket: { port: 8080 }, periodSeconds: 1, failureThreshold: 3 };
  const startupProbe = { ...probe, failureThreshold: 30 };
  const server = {
    namespace: "shop",
    labels: { app: "web" },
    container: {
      ports: [{ name: "echo", containerPort: 8080 }],
      startupProbe,
      readinessProbe: probe,
      livenessProbe: probe,
    },
  };
  await apply(
    nodePod("web", echoServer, { ...server, ...on("node-1") }),
    nodePod("db", echoServer, { ...server, labels: { app: "db" }, ...on("node-2") }),
    idlePod("near", { namespace: "shop", labels: { role: "client" }, ...on("node-1") }),
    idlePod("far", { namespace: "shop", labels: { role: "stranger" }, ...on("node-2") }),
    idlePod("friend", { namespace: "partner", ...on("node-2") }),
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "shop" },
      spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: "echo" }] },
    },
  );
  await kubectl("wait", "-n", "shop", "--for=condition=Ready", "pod", "--all", "--timeout=60s");
  await kubectl("wait", "-n", "partner", "--for=condition=Ready", "pod", "--all", "--timeout=60s");
  for (const { metadata, status } of (await cluster.get<{ items: Pod[] }>("pods", "-A")).items)
    addresses.set(metadata.name, status.podIP);
  before = (await servers()).map(readySince);
  const { spec } = await cluster.get<{ spec: { clusterIP: string } }>("service", "-n", "shop", "web");
  addresses.set("service", spec.clusterIP);
});
afterAll(() => cluster.remove());

describe("network policies", () => {
  test("that are not there forbid nothing", async () => {
    for (const from of ["shop/near", "shop/far", "partner/friend"])
      expect(await hears(from, at("web"), at("service", 80))).toEqual(["web", "web"]);
  });

  test("deny all, but neither the node's probes nor names from the node's own DNS", async () => {
    await apply(denyAll);
    await becomes("shop/far", at("web"), "timeout");
    for (const from of ["shop/near", "shop/far", "partner/friend"])
      expect(await hears(from, at("web"), at("service", 80))).toEqual(["timeout", "timeout"]);
    expect(await kubectl("exec", "-n", "shop", "near", "--", "getent", "hosts", "web")).toContain(
      addresses.get("service"),
    );
  });

  test("let in pods by label, to the port that the receiver names, directly and through a Service", async () => {
    const from = [{ podSelector: { matchLabels: { role: "client" } } }];
    await apply(
      policy("clients", { ...web, ingress: [{ from, ports: [{ port: "echo" }] }] }),
      policy("out", { policyTypes: ["Egress"], egress: [{}] }),
    );
    await becomes("shop/near", at("web"), "web");
    expect(await hears("shop/near", at("service", 80), at("db"))).toEqual(["web", "timeout"]);
    expect(await hears("shop/far", at("web"), at("service", 80))).toEqual(["timeout", "timeout"]);
  });

  test("follow labels: of pods and of namespaces", async () => {
    await kubectl("label", "-n", "shop", "pod", "far", "role=client", "--overwrite");
    await becomes("shop/far", at("web"), "web");
    const from = [{ namespaceSelector: { matchLabels: { team: "partner" } } }];
    await apply(policy("partners", { ...web, ingress: [{ from }] }));
    await becomes("partner/friend", at("service", 80), "web");
    await kubectl("label", "namespace", "partner", "team-");
    await becomes("partner/friend", at("web"), "timeout");
    expect(await hears("shop/far", at("web")), "other policies hold on").toEqual(["web"]);
  });

  test("let in blocks of addresses, but for their exceptions", async () => {
    const block = { cidr: "10.244.0.0/16", except: [`${addresses.get("near")}/32`] };
    await kubectl("delete", "networkpolicy", "-n", "shop", "clients");
    await apply(
      policy("block", { ...web, ingress: [{ from: [{ ipBlock: block }], ports: [{ port: 8000, endPort: 8100 }] }] }),
    );
    await becomes("partner/friend", at("web"), "web");
    expect(await hears("shop/near", at("web"))).toEqual(["timeout"]);
  });

  test("of the sender hold on the sender's node", async () => {
    const to = [{ podSelector: { matchLabels: { app: "web" } } }];
    await apply(
      policy("out", { policyTypes: ["Egress"], egress: [{ to, ports: [{ port: 8080 }] }] }),
      policy("all-in", { policyTypes: ["Ingress"], ingress: [{}] }),
    );
    await becomes("shop/far", at("db"), "timeout");
    expect(await hears("shop/far", at("web"), at("service", 80))).toEqual(["web", "web"]);
    expect(await hears("partner/friend", at("db")), "nothing holds this one back").toEqual(["db"]);
  });

  test("hold for a pod from its first moment on", async () => {
    await apply(policy("out", { policyTypes: ["Egress"], egress: [] }));
    await becomes("shop/far", at("web"), "timeout");
    const hasty = `
const socket = require("node:net").connect({ host: process.argv[1], port: 8080 });
const say = (word) => { console.log(word); process.exit(); };
socket.on("connect", () => say("connected"));
socket.on("error", (error) => say(error.code));
setTimeout(() => say("silence"), 1000);`;
    const pods = ["node-1", "node-2"].map((node) => `hasty-${node}`);
    await apply(
      ...pods.map((name) =>
        nodePod(name, "", {
          namespace: "shop",
          container: { command: ["node", "-e", hasty, addresses.get("friend")] },
          spec: { nodeName: name.slice(6), restartPolicy: "Never" },
        }),
      ),
      nodePod("hasty-web", "", {
        namespace: "partner",
        container: { command: ["node", "-e", hasty, addresses.get("db")] },
        spec: { nodeName: "node-1", restartPolicy: "Never" },
      }),
    );
    for (const name of pods)
      await eventually(`${name} was silent`, async () => (await kubectl("logs", "-n", "shop", name)) === "silence\n");
    await eventually(
      "who may, was heard",
      async () => (await kubectl("logs", "-n", "partner", "hasty-web")) === "connected\n",
    );
  });

  test("that are gone forbid nothing; probes have gone on all the time", async () => {
    await kubectl("delete", "networkpolicy", "-n", "shop", "--all");
    await becomes("shop/near", at("db"), "db");
    expect(await hears("partner/friend", at("web"))).toEqual(["web"]);
    const items = await servers();
    expect(items.map(({ status }) => status.containerStatuses[0]?.restartCount)).toEqual([0, 0]);
    expect(items.map(readySince), "ready all the time").toEqual(before);
  });
});
