// Usage: npm run bench -- network [--rounds 5] [--seconds 3]
// What the ways to a pod cost: requests from a pod on one node to a server on the other, at its own address, through its Service, and through an
// Ingress; and from this machine through the Ingress. The ways take turns within each round; a share is the median of the rounds' shares.
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { TestCluster } from "../test/support/cluster.ts";
import { run } from "../test/support/processes.ts";
import type { ConnectionLoad, ConnectionReport } from "./connections.ts";
import { h2loadVersion } from "./h2load.ts";
import { markdownTable, median } from "./stats.ts";

/** As little as a server can do: the same answer for each request, so that the way to it is what is seen. */
const server = `
const answer = "HTTP/1.1 200 OK\\r\\ncontent-type: text/plain\\r\\ncontent-length: 6\\r\\n\\r\\nhello\\n";
require("node:net").createServer({ noDelay: true }, (socket) => {
  let before = "";
  socket.on("error", () => socket.destroy());
  socket.on("data", (bytes) => {
    const parts = (before + bytes.toString("latin1")).split("\\r\\n\\r\\n");
    before = parts.pop();
    const closes = parts.some((head) => /^connection: close/im.test(head));
    if (parts.length > 0) socket.write(answer.repeat(parts.length));
    if (closes) socket.end();
  });
}).listen(8080);`;

const pod = (name: string, nodeName: string, command: string[]) => ({
  ...{ apiVersion: "v1", kind: "Pod", metadata: { name, labels: { app: name } } },
  spec: { nodeName, terminationGracePeriodSeconds: 0, containers: [{ name, image: "host", command }] },
});

const objects = [
  pod("server", "node-2", ["node", "-e", server]),
  pod("client", "node-1", ["sleep", "100000"]),
  {
    ...{ apiVersion: "v1", kind: "Service", metadata: { name: "server" } },
    spec: { selector: { app: "server" }, ports: [{ port: 80, targetPort: 8080 }] },
  },
  {
    ...{ apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name: "server" } },
    spec: { defaultBackend: { service: { name: "server", port: { number: 80 } } } },
  },
];

type Measured = ConnectionReport;

/** Runs a command at one end of the way: in the client's pod, or on this machine. Returns what it printed. */
type Here = (command: readonly string[]) => Promise<string>;

/** h2load, written in C, with HTTP/1.1 on connections that are kept. Its log has the duration of each request, in µs, in the third column. */
async function keptConnections(here: Here, url: string, connections: number, seconds: number): Promise<Measured> {
  const log = "/tmp/h2load.log";
  const load = `h2load --h1 -t 1 -c ${connections} -D ${seconds} --warm-up-time 1 --log-file=${log} ${url}`;
  const p99 = `cut -f3 ${log} | sort -n | awk '{ all[NR] = $1 } END { print "p99us", all[int(NR * 0.99)] }'; rm ${log}`;
  const output = await here(["sh", "-c", `rm -f ${log}; ${load}; ${p99}`]);
  const rate = /finished in [^,]+, ([\d.]+) req\/s/.exec(output);
  const bad = /(\d+) failed, (\d+) errored/.exec(output);
  const us = /p99us (\d+)/.exec(output);
  if (rate === null || us === null || bad === null || bad[1] !== "0")
    throw new Error(`h2load did not finish well:\n${output}`);
  return { requestsPerSecond: Number(rate[1]), p99Ms: Number(us[1]) / 1000 };
}

/** A connection per request, which h2load has not. */
async function newConnections(here: Here, url: string, connections: number, seconds: number): Promise<Measured> {
  const { hostname: host, port } = new URL(url);
  const load: ConnectionLoad = { host, port: Number(port || 80), connections, forMs: seconds * 1000 };
  const script = join(import.meta.dirname, "connections.ts");
  return JSON.parse(await here([process.execPath, script, JSON.stringify(load)])) as ConnectionReport;
}

const shapes = [
  { name: "32 connections, kept", measure: keptConnections, connections: 32 },
  { name: "1 connection, kept", measure: keptConnections, connections: 1 },
  { name: "8 at a time, a connection per request", measure: newConnections, connections: 8 },
];

export async function main(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: "string", default: "5" },
      seconds: { type: "string", default: "3" },
      help: { type: "boolean" },
    },
  });
  if (values.help) return console.log("npm run bench -- network [--rounds 5] [--seconds 3]    needs root and h2load");
  const [rounds, seconds] = [Number(values.rounds), Number(values.seconds)];
  console.log(h2loadVersion());
  const cluster = new TestCluster();
  try {
    await cluster.up("--members", "1");
    await cluster.apply(JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }));
    await cluster.kubectl("wait", "--for=condition=Ready", "pod/server", "pod/client", "--timeout=60s");
    const field = (kind: string, path: string) => cluster.kubectl("get", kind, "server", "-o", `jsonpath={${path}}`);
    const edge = (await cluster.status()).components.find(({ name }) => name === "ingress")?.where.split(" ")[0];
    const inPod: Here = (command) => cluster.kubectl("exec", "client", "--", ...command);
    const onMachine: Here = async ([program = "", ...rest]) => (await run(program, rest)).stdout;
    const ways = [
      { name: "direct", here: inPod, url: `http://${await field("pod", ".status.podIP")}:8080/` },
      { name: "Service", here: inPod, url: `http://${await field("service", ".spec.clusterIP")}/` },
      { name: "Ingress", here: inPod, url: "http://172.30.0.3/" },
      { name: "Ingress, from this machine", here: onMachine, url: `${edge}/` },
    ];
    // The Ingress controller has then heard of everything, and V8 has compiled.
    for (const { here, url } of ways) await keptConnections(here, url, 8, 2);
    const rows: string[][] = [];
    for (const { name: shape, measure, connections } of shapes) {
      const measured = ways.map((): Measured[] => []);
      for (let round = 0; round < rounds; round++) {
        for (const [i, { here, url }] of ways.entries()) {
          measured[i]?.push(await measure(here, url, connections, seconds));
        }
      }
      const [direct = []] = measured;
      for (const [i, { name }] of ways.entries()) {
        const own = measured[i] as Measured[];
        const share = median(
          own.map(({ requestsPerSecond }, n) => requestsPerSecond / (direct[n] as Measured).requestsPerSecond),
        );
        rows.push([
          ...[shape, name, `${median(own.map((it) => it.requestsPerSecond)).toFixed(0)}/s`],
          ...[i === 0 ? "" : `${(share * 100).toFixed(0)} %`, `${median(own.map((it) => it.p99Ms)).toFixed(2)} ms`],
        ]);
      }
    }
    console.log(
      `\n${cpus().length} CPUs, load ${(loadavg()[0] as number).toFixed(1)} at the end, ${rounds} rounds of ${seconds} s\n`,
    );
    console.log(markdownTable(["load", "way", "requests", "share of direct", "p99"], rows));
  } finally {
    await cluster.remove();
  }
}
