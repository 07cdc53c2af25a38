// Usage: node scripts/dev-apiserver.ts [--dir D] [--port N] [--memory] [--nodes node-1,node-2] [--verbose]
// An API server to develop against: starts Debian's etcd (or keeps everything in memory), makes throw-away certificates,
// and writes kubeconfigs into D: kubeconfig (admin), controller-manager.kubeconfig, scheduler.kubeconfig and one per node.
// Prints `export KUBECONFIG=…` when it is ready, and removes what it made when it is interrupted.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { ClusterConfig } from "../cli/cluster/config.ts";
import { kubeconfigFor, writeKubeconfig } from "../cli/cluster/kubeconfig.ts";
import { layoutOf } from "../cli/cluster/layout.ts";
import { ensurePki } from "../cli/cluster/pki.ts";
import { certificateFile, keyFile, pkiNames } from "../cli/cluster/pki-files.ts";
import { componentLog } from "../cli/component.ts";
import { reported } from "../cli/version.ts";
import { MemoryStore, startApiServer } from "../controlplane/apiserver/mod.ts";

const { values: flags } = parseArgs({
  options: {
    dir: { type: "string" },
    port: { type: "string" },
    memory: { type: "boolean", default: false },
    nodes: { type: "string", default: "node-1,node-2" },
    verbose: { type: "boolean", default: false },
  },
});

const root = flags.dir ?? mkdtempSync(join(tmpdir(), "flotilla-dev-"));
const layout = layoutOf("dev", root);
const log = componentLog("apiserver", flags.verbose ? "debug" : "info");
mkdirSync(layout.sockets, { recursive: true });

const [apiPort, clientPort, peerPort] = await Promise.all([
  flags.port ? Number(flags.port) : freePort(),
  freePort(),
  freePort(),
]);
const config: ClusterConfig = {
  version: 1,
  name: "dev",
  token: "dev",
  members: [{ name: "etcd-1", clientPort, peerPort }],
  apiPort,
  nodes: flags.nodes.split(",").map((name) => ({ name, address: "127.0.0.1", kubeletPort: 10250 })),
  runtime: "process",
};
await ensurePki(layout, config);
const etcd = flags.memory ? undefined : startEtcd(clientPort, peerPort, join(root, "etcd"));

const server = await startApiServer({
  etcdServers: [`http://127.0.0.1:${clientPort}`],
  ...(flags.memory && { store: new MemoryStore() }),
  listen: { host: "127.0.0.1", port: apiPort },
  unixSocket: layout.apiSocket(1),
  tls: {
    cert: readFileSync(certificateFile(layout, pkiNames.apiServer), "utf8"),
    key: readFileSync(keyFile(layout, pkiNames.apiServer), "utf8"),
    clientCa: readFileSync(certificateFile(layout, pkiNames.ca), "utf8"),
  },
  serviceAccountKey: { privateKey: readFileSync(keyFile(layout, pkiNames.serviceAccount), "utf8") },
  kubeletClientTls: {
    cert: readFileSync(certificateFile(layout, pkiNames.apiServerKubeletClient), "utf8"),
    key: readFileSync(keyFile(layout, pkiNames.apiServerKubeletClient), "utf8"),
    ca: readFileSync(certificateFile(layout, pkiNames.ca), "utf8"),
  },
  kubernetesVersion: reported.kubernetes,
  log,
});
await server.ready;

const identities = { "controller-manager": pkiNames.controllerManager, scheduler: pkiNames.scheduler };
writeKubeconfig(layout.kubeconfig, kubeconfigFor(layout, config, pkiNames.admin));
for (const [name, identity] of Object.entries(identities))
  writeKubeconfig(join(root, `${name}.kubeconfig`), kubeconfigFor(layout, config, identity));
for (const { name } of config.nodes)
  writeKubeconfig(join(root, `${name}.kubeconfig`), kubeconfigFor(layout, config, pkiNames.kubelet(name)));
console.log(`export KUBECONFIG=${layout.kubeconfig}`);
console.log(`# server https://127.0.0.1:${apiPort}, unix socket ${layout.apiSocket(1)}, certificates in ${layout.pki}`);

async function stop(): Promise<void> {
  await server.stop();
  etcd?.kill("SIGTERM");
  if (flags.dir === undefined) rmSync(root, { recursive: true, force: true });
  process.exit(0);
}
process.on("SIGINT", stop);
process.on("SIGTERM", stop);

function startEtcd(client: number, peer: number, dataDir: string): ChildProcess {
  const url = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const args = [
    ...["--data-dir", dataDir, "--listen-client-urls", url, "--advertise-client-urls", url],
    ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
    ...["--initial-cluster", `default=${peerUrl}`, "--logger", "zap", "--log-level", "error"],
  ];
  const child = spawn("etcd", args, { stdio: ["ignore", "ignore", "inherit"] });
  child.on("error", (error) =>
    console.error(`cannot start etcd: ${error.message}. Debian's package etcd-server has it`),
  );
  return child;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
