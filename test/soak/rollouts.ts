import { join } from "node:path";
import type { TestCluster } from "../support/cluster.ts";
import { type HttpLoad, httpLoad, type LoadReport } from "../support/http-load.ts";

/** A server that behaves: told to end, it says so on every connection with its next answer, serves a while longer, and finishes what is under way. */
const server = `
let leaving = false;
const server = require("node:http").createServer((request, response) => {
  if (leaving) response.setHeader("connection", "close");
  response.end(process.env.HOSTNAME);
}).listen(8080);
server.keepAliveTimeout = 75000;
process.on("SIGTERM", () => {
  leaving = true;
  setTimeout(() => server.close(() => process.exit(0)), 3000);
});`;

const manifest = {
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" } },
      spec: {
        ...{ replicas: 4, selector: { matchLabels: { app: "web" } } },
        strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
        template: {
          metadata: { labels: { app: "web" } },
          spec: {
            containers: [
              {
                ...{ name: "web", image: "host", command: ["node", "-e", server] },
                readinessProbe: { httpGet: { port: 8080, path: "/" }, periodSeconds: 1, timeoutSeconds: 5 },
              },
            ],
          },
        },
      },
    },
    {
      ...{ apiVersion: "v1", kind: "Service", metadata: { name: "web" } },
      spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
    },
    {
      ...{ apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name: "web" } },
      spec: { defaultBackend: { service: { name: "web", port: { number: 80 } } } },
    },
    {
      // Drains wait for replacements.
      ...{ apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: "web" } },
      spec: { minAvailable: 3, selector: { matchLabels: { app: "web" } } },
    },
    {
      ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "client" } },
      spec: {
        ...{ nodeName: "node-1", terminationGracePeriodSeconds: 0 },
        containers: [{ name: "client", image: "host", command: ["sleep", "100000"] }],
      },
    },
  ],
};

export interface RolloutReport {
  readonly rollouts: number;
  readonly drains: number;
  /** By the way of the traffic. */
  readonly loads: Readonly<Record<string, LoadReport>>;
}

export interface RolloutOptions {
  readonly forMs: number;
  /** Of each of the four loads. */
  readonly connections: number;
  readonly pauseMs?: number;
  say(line: string): void;
}

/**
 * On a cluster with two nodes: replaces all pods of a Deployment and drains a node, again and again, while requests go through its Service
 * (from a pod) and through its Ingress (from this machine), on connections that are kept and on a connection per request.
 */
export async function rolloutsUnderLoad(cluster: TestCluster, options: RolloutOptions): Promise<RolloutReport> {
  const { forMs, connections, pauseMs, say } = options;
  const kubectl = (...args: string[]) => cluster.kubectl(...args);
  await cluster.apply(JSON.stringify(manifest));
  await kubectl("rollout", "status", "deployment/web", "--timeout=60s");
  await kubectl("wait", "--for=condition=Ready", "pod/client", "--timeout=60s");
  const where = (await cluster.status()).components.find(({ name }) => name === "ingress")?.where ?? "";
  const ingress = where.split(" ")[0] as string;
  const serviceIP = await kubectl("get", "service", "web", "-o", "jsonpath={.spec.clusterIP}");

  const script = join(import.meta.dirname, "..", "support", "http-load.ts");
  const fromPod = async (load: HttpLoad): Promise<LoadReport> => {
    const { code, stdout, stderr } = await cluster.tryKubectl(
      ["exec", "client", "--", process.execPath, script, JSON.stringify(load)],
      { timeoutMs: forMs + 60_000 },
    );
    if (code !== 0) throw new Error(`the client in the pod ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as LoadReport;
  };
  const common = { connections, pauseMs, forMs };
  const ways: Record<string, Promise<LoadReport>> = {};
  for (const keepAlive of [true, false]) {
    const how = keepAlive ? "kept connections" : "a connection per request";
    ways[`Service, ${how}`] = fromPod({ ...common, url: `http://${serviceIP}/`, keepAlive });
    ways[`Ingress, ${how}`] = httpLoad({ ...common, url: `${ingress}/`, keepAlive });
  }
  const all = Promise.all(Object.entries(ways).map(async ([way, report]) => [way, await report] as const));

  const deadline = performance.now() + forMs;
  const counts = { rollouts: 0, drains: 0 };
  const step = async (what: string, ...commands: string[][]) => {
    const startedAt = performance.now();
    for (const command of commands) await kubectl(...command);
    say(`${what}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  };
  const rolledOut = ["rollout", "status", "deployment/web", "--timeout=90s"];
  while (performance.now() < deadline) {
    await step("rolling update", ["rollout", "restart", "deployment/web"], rolledOut);
    counts.rollouts++;
    if (performance.now() > deadline) break;
    await step("drain of node-2", ["drain", "node-2", "--ignore-daemonsets", "--timeout=90s"], rolledOut);
    counts.drains++;
    await kubectl("uncordon", "node-2");
  }
  return { ...counts, loads: Object.fromEntries(await all) };
}

/** What must not be: a failed request, or a load that never met more than the first pods. */
export function violationsOf({ rollouts, drains, loads }: RolloutReport): string[] {
  const violations: string[] = [];
  if (rollouts < 1 || drains < 1) violations.push(`there were ${rollouts} rolling updates and ${drains} drains`);
  for (const [way, { requests, failures, bodies }] of Object.entries(loads)) {
    for (const [what, times] of Object.entries(failures)) violations.push(`${way}: ${times} × ${what}`);
    if (Object.keys(bodies).length < 5) {
      violations.push(`${way}: ${requests} requests met only ${Object.keys(bodies).length} pods`);
    }
  }
  return violations;
}
