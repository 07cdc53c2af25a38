import type { TestCluster } from "./cluster.ts";

/** Answers every connection and every datagram on port 8080 with its own name and the address it sees. */
export const echoServer = `
const address = (text) => text.replace("::ffff:", "");
require("node:net").createServer((socket) => {
  socket.on("error", () => {});
  socket.end(process.env.HOSTNAME + " " + address(socket.remoteAddress ?? ""));
}).listen(8080);
const udp = require("node:dgram").createSocket("udp4");
udp.on("message", (_, { port, address }) => udp.send(process.env.HOSTNAME + " " + address, port, address));
udp.bind(8080);
process.on("SIGTERM", () => process.exit(0));`;

interface PodOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly namespace?: string;
  readonly container?: object;
  readonly spec?: object;
}

/** A pod that runs a program for node(1). */
export function nodePod(name: string, program: string, options: PodOptions = {}): object {
  const { labels = {}, namespace = "default", container = {}, spec = {} } = options;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace, labels },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [{ name: "c", image: "host", command: ["node", "-e", program], ...container }],
      ...spec,
    },
  };
}

/** A pod that does nothing but wait for commands. */
export function idlePod(name: string, options: PodOptions = {}): object {
  const program = 'setInterval(() => {}, 1e6); process.on("SIGTERM", () => process.exit(0));';
  return nodePod(name, program, options);
}

/** `host:port` over TCP, or over UDP when it ends in `/udp`. */
export type Target = string;

const asking = `
const [targets, patienceMs] = JSON.parse(process.argv[1]);
const byTcp = (host, port) => new Promise((resolve) => {
  const socket = require("node:net").connect({ host, port });
  let text = "";
  socket.setTimeout(patienceMs, () => { resolve("timeout"); socket.destroy(); });
  socket.on("data", (chunk) => { text += chunk; });
  socket.on("end", () => resolve(text));
  socket.on("error", (error) => resolve(error.code));
});
const byUdp = (host, port) => new Promise((resolve) => {
  const socket = require("node:dgram").createSocket("udp4");
  const done = (text) => { clearTimeout(timer); socket.close(); resolve(text); };
  const timer = setTimeout(() => done("timeout"), patienceMs);
  socket.on("message", (bytes) => done(String(bytes)));
  socket.on("error", (error) => done(error.code));
  socket.connect(port, host, () => socket.send("hello"));
});
(async () => {
  const answers = [];
  for (const target of targets) {
    const [, host, port, udp] = /^(.*):(\\d+)(\\/udp)?$/.exec(target);
    answers.push(await (udp ? byUdp : byTcp)(host, Number(port)));
  }
  console.log(JSON.stringify(answers));
})();`;

/** Runs a program for node(1) in a pod and returns what it printed, parsed. */
export async function inPod<T>(cluster: TestCluster, pod: string, program: string, argument: unknown): Promise<T> {
  const [namespace, name] = pod.includes("/") ? (pod.split("/") as [string, string]) : ["default", pod];
  const command = ["node", "-e", program, JSON.stringify(argument)];
  return JSON.parse(await cluster.kubectl("exec", "-n", namespace, name, "--", ...command)) as T;
}

/** What a pod hears from each target, one after the other: the echo server's words, an error's code, or `timeout`. */
export function ask(
  cluster: TestCluster,
  pod: string,
  targets: readonly Target[],
  patienceMs = 700,
): Promise<string[]> {
  return inPod(cluster, pod, asking, [targets, patienceMs]);
}
