#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { extname, join } from "node:path";
import { exitCodes, failureLine } from "./component.ts";

interface Command {
  readonly summary: string;
  /** Not shown in the list: for the program's own use. */
  readonly hidden?: boolean;
  load(): Promise<{ main(args: string[]): Promise<void> }>;
}

/** Loaded one at a time: a store member does not carry the API server's code. */
const commands: Readonly<Record<string, Command>> = {
  up: { summary: "start or resume a cluster on this machine", load: () => import("./up.ts") },
  stop: { summary: "stop a cluster, keep its data", load: () => import("./stop.ts") },
  start: { summary: "start a stopped cluster again", load: () => import("./start.ts") },
  down: { summary: "remove a cluster and everything it left", load: () => import("./down.ts") },
  status: { summary: "what runs, where, and how it is", load: () => import("./status.ts") },
  list: { summary: "the clusters on this machine", load: () => import("./list.ts") },
  logs: { summary: "what a component wrote", load: () => import("./logs.ts") },
  explain: { summary: "why a pod runs where it runs, or nowhere", load: () => import("./explain.ts") },
  kubeconfig: { summary: "print or merge a cluster's kubeconfig", load: () => import("./kubeconfig.ts") },
  etcd: { summary: "run one store member", load: () => import("./etcd.ts") },
  etcdutl: { summary: "look at, restore and tidy a store's snapshots and data", load: () => import("./etcdutl.ts") },
  apiserver: { summary: "run an API server", load: () => import("./apiserver.ts") },
  balancer: { summary: "give several API servers one address", load: () => import("./balancer.ts") },
  "controller-manager": { summary: "run the controllers", load: () => import("./controller-manager.ts") },
  scheduler: { summary: "run a scheduler", load: () => import("./scheduler.ts") },
  kubelet: { summary: "run a kubelet", load: () => import("./kubelet.ts") },
  proxy: { summary: "run a service proxy", load: () => import("./proxy.ts") },
  dns: { summary: "run a DNS server for the cluster's names", load: () => import("./dns.ts") },
  ingress: { summary: "run an Ingress controller", load: () => import("./ingress.ts") },
  node: { summary: "run a node agent: kubelet and proxy in one process", load: () => import("./node.ts") },
  cri: { summary: "run a node's container engine by itself, on a CRI socket", load: () => import("./cri.ts") },
  image: { summary: "load, list and remove images of a cluster's nodes", load: () => import("./image.ts") },
  jepsen: { summary: "judge what a store's clients saw, and show it", load: () => import("./jepsen.ts") },
  sim: { summary: "run the store in virtual time, by chance, and prove it", load: () => import("./sim.ts") },
  completion: { summary: "print a completion script for bash or zsh", load: () => import("./completion.ts") },
  version: { summary: "print the versions", load: () => import("./version.ts") },
  "prepare-network": {
    summary: "make a rootless cluster's network",
    hidden: true,
    load: () => import("./prepare-network.ts"),
  },
  supervise: { summary: "keep a cluster's processes running", hidden: true, load: () => import("./supervise.ts") },
};

export const commandNames = Object.keys(commands).filter((name) => commands[name]?.hidden !== true);

function usage(): string {
  const lines = commandNames.map((name) => `  ${name.padEnd(20)} ${commands[name]?.summary}`);
  return `Usage: flotilla COMMAND [flags]

An etcd-compatible Raft store and a Kubernetes-compatible orchestrator.

Commands:
${lines.join("\n")}

\`flotilla COMMAND --help\` explains a command.
`;
}

async function main([name, ...args]: string[]): Promise<void> {
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    process.stdout.write(usage());
    return;
  }
  const command = commands[name === "--version" ? "version" : name];
  if (command === undefined) {
    process.stderr.write(`flotilla: there is no command "${name}". \`flotilla --help\` lists them. [UnknownCommand]\n`);
    process.exitCode = exitCodes.usage;
    return;
  }
  try {
    await (await command.load()).main(args);
  } catch (error) {
    process.stderr.write(`flotilla ${name}: ${failureLine(error)}\n`);
    if (process.env.FLOTILLA_DEBUG !== undefined) process.stderr.write(`${(error as Error).stack}\n`);
    process.exit(exitCodes.failed);
  }
}

if (import.meta.main) {
  // Without it, half of the time until a component runs goes into code that was stripped and compiled before. Where nothing can be written, it does again.
  const cache = extname(import.meta.filename) === ".js" ? ".compile-cache" : "node_modules/.cache/compile-cache";
  enableCompileCache(join(import.meta.dirname, "..", cache));
  await main(process.argv.slice(2));
}
