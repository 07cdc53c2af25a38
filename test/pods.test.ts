import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestCluster } from "./support/cluster.ts";
import { eventually } from "./support/eventually.ts";
import { start } from "./support/processes.ts";

interface Pod {
  metadata: { name: string; uid: string; labels?: Record<string, string>; deletionTimestamp?: string };
  spec: { nodeName?: string };
  status: {
    podIP?: string;
    phase: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: { name: string; restartCount: number; ready: boolean }[];
  };
}

const cluster = new TestCluster();
const kubectl = (...args: string[]) => cluster.kubectl(...args);

beforeAll(() => cluster.up());
afterAll(() => cluster.remove());

const isReady = (pod: Pod) =>
  pod.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
const pods = async (selector: string) => (await cluster.get<{ items: Pod[] }>("pods", "-l", selector)).items;

/** A server on port 8080 that answers with its pod's name, and obeys files: /tmp/sick fails /live, /tmp/busy fails /ready. */
const server = `
const { createServer } = require("node:http");
const { existsSync } = require("node:fs");
createServer((request, response) => {
  if (request.url === "/live" && existsSync("/tmp/sick")) response.statusCode = 500;
  if (request.url === "/ready" && existsSync("/tmp/busy")) response.statusCode = 503;
  if (request.url === "/fall-sick") require("node:fs").writeFileSync("/tmp/sick", "");
  if (request.url === "/get-busy") require("node:fs").writeFileSync("/tmp/busy", "");
  response.end(process.env.HOSTNAME + "\\n");
}).listen(8080);
process.on("SIGTERM", () => process.exit(0));`;

function deployment(
  name: string,
  replicas: number,
  container: Record<string, unknown> = {},
  spec: Record<string, unknown> = {},
): string {
  return JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      ...spec,
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 5,
          containers: [{ name: "server", image: "host", command: ["node", "-e", server], ...container }],
        },
      },
    },
  });
}

/** Runs a script in a pod of its own and returns what it printed. */
let sequence = 0;
async function inPod(script: string, spec: Record<string, unknown> = {}): Promise<string> {
  const name = `probe-${++sequence}`;
  const container = { name: "c", image: "host", command: ["sh", "-c", script] };
  await cluster.apply(
    JSON.stringify({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name },
      spec: { restartPolicy: "Never", containers: [container], ...spec },
    }),
  );
  await eventually(`${name} has ended`, async () =>
    ["Succeeded", "Failed"].includes((await cluster.get<Pod>("pod", name)).status.phase),
  );
  return await kubectl("logs", name);
}

const fetchWithNode = (url: string, times = 1) =>
  `node -e 'const go = async () => { for (let i = 0; i < ${times}; i++) process.stdout.write(await fetch("${url}", { headers: { connection: "close" } }).then((a) => a.text(), (e) => "failed: " + (e.cause?.code ?? e.message) + "\\n")); }; go()'`;

describe("containers of a pod", () => {
  test("share network, hostname and IPC, and reach each other on localhost", async () => {
    const see = "readlink /proc/self/ns/net /proc/self/ns/uts /proc/self/ns/ipc; hostname";
    await cluster.apply(
      JSON.stringify({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "twins" },
        spec: {
          containers: [
            {
              name: "a",
              image: "host",
              command: ["sh", "-c", `${see}; exec node -e '${server.replaceAll("'", '"')}'`],
            },
            { name: "b", image: "host", command: ["sh", "-c", `${see}; sleep 1000`] },
            {
              name: "c",
              image: "host",
              command: [
                "sh",
                "-c",
                `until ${fetchWithNode("http://127.0.0.1:8080/")} | grep twins; do sleep 0.1; done; sleep 1000`,
              ],
            },
          ],
        },
      }),
    );
    await kubectl("wait", "--for=condition=Ready", "pod/twins", "--timeout=30s");
    await eventually("c reaches a on localhost", async () =>
      (await kubectl("logs", "twins", "-c", "c")).includes("twins"),
    );
    const [a, b] = [await kubectl("logs", "twins", "-c", "a"), await kubectl("logs", "twins", "-c", "b")];
    expect(a.split("\n").slice(0, 4)).toEqual(b.split("\n").slice(0, 4));
    expect(a.split("\n")[3]).toBe("twins");
    await kubectl("delete", "pod", "twins", "--grace-period=1");
  });
});

describe("a container", () => {
  test("sees nothing of what runs it: neither the cluster's keys nor its variables", async () => {
    const seen = await inPod(`ls -A ${cluster.root}; env; tr '\\0' '\\n' < /proc/1/environ`);
    expect(seen).toMatch(/^KUBERNETES_SERVICE_HOST=/m);
    expect(seen).not.toMatch(/FLOTILLA|pki|kubeconfig/);
  });
});

describe("the network", () => {
  test("pods on two nodes reach each other by address, and a Service spreads over the ready ones only", async () => {
    const readiness = {
      readinessProbe: { httpGet: { path: "/ready", port: 8080 }, periodSeconds: 1, failureThreshold: 1 },
    };
    await cluster.apply(deployment("web", 4, readiness));
    await kubectl("expose", "deployment", "web", "--port=80", "--target-port=8080");
    await kubectl("rollout", "status", "deployment/web", "--timeout=60s");
    const all = await pods("app=web");
    expect(new Set(all.map((pod) => pod.spec.nodeName))).toEqual(new Set(["node-1", "node-2"]));
    for (const pod of all) {
      const other = pod.spec.nodeName === "node-1" ? "node-2" : "node-1";
      expect(await inPod(fetchWithNode(`http://${pod.status.podIP}:8080/`), { nodeName: other })).toBe(
        `${pod.metadata.name}\n`,
      );
    }
    const { spec } = await cluster.get<{ spec: { clusterIP: string } }>("service", "web");
    const answers = (await inPod(fetchWithNode(`http://${spec.clusterIP}/`, 60))).trim().split("\n");
    expect(new Set(answers)).toEqual(new Set(all.map((pod) => pod.metadata.name)));

    const busy = all[0] as Pod;
    await inPod(fetchWithNode(`http://${busy.status.podIP}:8080/get-busy`));
    await eventually(
      "the busy pod is not ready",
      async () => !isReady(await cluster.get<Pod>("pod", busy.metadata.name)),
    );
    await eventually("it has left the Service", async () => {
      const text = await kubectl("get", "endpointslices", "-l", "kubernetes.io/service-name=web", "-o", "json");
      const slices = JSON.parse(text) as {
        items: { endpoints: { addresses: string[]; conditions: { ready: boolean } }[] }[];
      };
      const endpoint = slices.items
        .flatMap((slice) => slice.endpoints)
        .find(({ addresses }) => addresses[0] === busy.status.podIP);
      return endpoint?.conditions.ready === false;
    });
    const later = new Set((await inPod(fetchWithNode(`http://${spec.clusterIP}/`, 60))).trim().split("\n"));
    expect(later).toEqual(new Set(all.slice(1).map((pod) => pod.metadata.name)));
    // Restarting was not asked of a readiness probe.
    expect((await cluster.get<Pod>("pod", busy.metadata.name)).status.containerStatuses?.[0]?.restartCount).toBe(0);
  });

  test("a node port answers on every node", async () => {
    await kubectl("expose", "deployment", "web", "--name=web-np", "--type=NodePort", "--port=80", "--target-port=8080");
    const { spec } = await cluster.get<{ spec: { ports: { nodePort: number }[] } }>("service", "web-np");
    const nodes = await cluster.get<{ items: { status: { addresses: { type: string; address: string }[] } }[] }>(
      "nodes",
    );
    for (const node of nodes.items) {
      const address = node.status.addresses.find(({ type }) => type === "InternalIP")?.address;
      await eventually("the node port answers", async () =>
        /^web-/.test(await inPod(fetchWithNode(`http://${address}:${spec.ports[0]?.nodePort}/`))),
      );
    }
  });

  test("pods on every node find a Service by its names, each at its own node's DNS server", async () => {
    const names = ["web", "web.default", "web.default.svc.cluster.local"];
    for (const nodeName of ["node-1", "node-2"]) {
      for (const name of names) expect(await inPod(fetchWithNode(`http://${name}/`), { nodeName })).toMatch(/^web-/);
    }
    expect(await inPod("getent hosts nobody-is-called-so || echo unknown")).toBe("unknown\n");
  });

  test("a Service without pods refuses connections at once", async () => {
    await kubectl("create", "service", "clusterip", "nobody", "--tcp=80:8080");
    const { spec } = await cluster.get<{ spec: { clusterIP: string } }>("service", "nobody");
    await eventually("refused", async () =>
      (await inPod(fetchWithNode(`http://${spec.clusterIP}/`))).includes("ECONNREFUSED"),
    );
  });
});

describe("self-healing", () => {
  test("a pod that fails its liveness probe is restarted in place", async () => {
    const liveness = {
      livenessProbe: { httpGet: { path: "/live", port: 8080 }, periodSeconds: 1, failureThreshold: 2 },
    };
    await cluster.apply(deployment("patient", 1, liveness));
    await kubectl("rollout", "status", "deployment/patient", "--timeout=30s");
    const [pod] = await pods("app=patient");
    await inPod(fetchWithNode(`http://${pod?.status.podIP}:8080/fall-sick`));
    const healed = await eventually("one restart, same pod", async () => {
      const now = await cluster.get<Pod>("pod", pod?.metadata.name ?? "");
      return now.status.containerStatuses?.[0]?.restartCount === 1 && isReady(now) ? now : undefined;
    });
    expect(healed.metadata.uid).toBe(pod?.metadata.uid);
    expect(await kubectl("describe", "pod", pod?.metadata.name ?? "")).toMatch(
      /Unhealthy[\s\S]*Liveness probe failed: HTTP probe failed with statuscode: 500/,
    );
  });

  test("exec and TCP probes are heard", async () => {
    const probes = {
      livenessProbe: { exec: { command: ["sh", "-c", "! test -e /tmp/sick"] }, periodSeconds: 1, failureThreshold: 1 },
      readinessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 1 },
    };
    await cluster.apply(deployment("tcp", 1, probes));
    await kubectl("rollout", "status", "deployment/tcp", "--timeout=30s");
    const [pod] = await pods("app=tcp");
    await inPod(fetchWithNode(`http://${pod?.status.podIP}:8080/fall-sick`));
    await eventually(
      "a restart",
      async () =>
        (await cluster.get<Pod>("pod", pod?.metadata.name ?? "")).status.containerStatuses?.[0]?.restartCount === 1,
    );
  });

  test("a deleted pod is replaced", async () => {
    const before = await pods("app=web");
    const victim = before[0] as Pod;
    await kubectl("delete", "pod", victim.metadata.name, "--wait=false");
    await eventually("four pods, the victim not among them", async () => {
      const now = (await pods("app=web")).filter((pod) => pod.metadata.deletionTimestamp === undefined);
      return now.length === 4 && now.every(isReady) && !now.some((pod) => pod.metadata.uid === victim.metadata.uid);
    });
  });

  test("a Deployment with a new template rolls within its bounds at every moment", async () => {
    const rolling = { strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } };
    const readiness = { readinessProbe: { httpGet: { path: "/ready", port: 8080 }, periodSeconds: 1 } };
    await cluster.apply(deployment("rolling", 5, readiness, rolling));
    await kubectl("rollout", "status", "deployment/rolling", "--timeout=60s");
    const seen = new Map<string, Pod>((await pods("app=rolling")).map((pod) => [pod.metadata.uid, pod]));

    // A watch sees every state there was, in order; polling would miss some.
    const watch = start("kubectl", ["get", "pods", "-l", "app=rolling", "-w", "--output-watch-events", "-o", "json"], {
      env: cluster.kubectlEnvironment(),
    });
    const bounds = { fewestReady: Number.POSITIVE_INFINITY, most: 0 };
    let events = 0;
    let text = "";
    watch.stdout?.on("data", (chunk: Buffer) => {
      text += chunk;
      for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
        const { type, object } = JSON.parse(text.slice(0, end)) as { type: string; object: Pod };
        text = text.slice(end + 1);
        events++;
        if (type === "DELETED") seen.delete(object.metadata.uid);
        else seen.set(object.metadata.uid, object);
        const alive = [...seen.values()].filter((pod) => pod.metadata.deletionTimestamp === undefined);
        bounds.most = Math.max(bounds.most, alive.length);
        bounds.fewestReady = Math.min(bounds.fewestReady, alive.filter(isReady).length);
      }
    });
    try {
      await eventually("the watch has begun", () => events >= 5);
      await kubectl("set", "env", "deployment/rolling", "VERSION=2");
      await kubectl("rollout", "status", "deployment/rolling", "--timeout=90s");
    } finally {
      watch.kill();
    }
    expect(events).toBeGreaterThan(20);
    expect(bounds.most).toBeLessThanOrEqual(6);
    expect(bounds.fewestReady).toBeGreaterThanOrEqual(4);
  });
});
