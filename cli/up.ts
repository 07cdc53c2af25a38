import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { Failure } from "../base/mod.ts";
import { requireContainerd } from "../dataplane/kubelet/mod.ts";
import {
  addressesHere,
  type ClusterConfig,
  type ExternalEtcd,
  type NodeRuntime,
  ownNetworks,
  readConfig,
  writeConfig,
} from "./cluster/config.ts";
import { stopCluster, supervisorOf } from "./cluster/control.ts";
import { keepPorts, portsOf } from "./cluster/kept-ports.ts";
import {
  contextName,
  defaultKubeconfig,
  kubeconfigFor,
  mergeKubeconfig,
  writeKubeconfig,
} from "./cluster/kubeconfig.ts";
import { type Layout, layoutOf } from "./cluster/layout.ts";
import { nodeAddress, nodeKind } from "./cluster/node-networks.ts";
import { certificateFile, keyFile, pkiNames } from "./cluster/pki-files.ts";
import { isFree, PortPicker, pickLoopback } from "./cluster/ports.ts";
import { processesWithEnvironment } from "./cluster/processes.ts";
import { type RunningCluster, startAndWait } from "./cluster/running.ts";
import { clusterParser, duration, oneOf, wholeNumber } from "./flags.ts";
import { hint, say, step } from "./output.ts";

interface UpFlags {
  name: string;
  dataDir?: string;
  members: number;
  nodes: number;
  ingress: boolean;
  ingressHttpPort: number;
  ingressHttpsPort: number;
  controlPlanes: number;
  etcdServers?: string;
  etcdCafile?: string;
  etcdCertfile?: string;
  etcdKeyfile?: string;
  wait: number;
  detach: boolean;
  processes: "many";
  runtime: "auto" | NodeRuntime;
  mergeKubeconfig: boolean;
}

const memberClientPort = (index: number) => (index === 0 ? 2379 : index * 10_000 + 12_379);

/** Files are named from where the user is; the cluster's processes are elsewhere. */
function externalEtcd(servers: string, flags: UpFlags): ExternalEtcd {
  return {
    servers: servers.split(",").map((url) => url.trim()),
    ...(flags.etcdCafile !== undefined && { caFile: resolve(flags.etcdCafile) }),
    ...(flags.etcdCertfile !== undefined && { certFile: resolve(flags.etcdCertfile) }),
    ...(flags.etcdKeyfile !== undefined && { keyFile: resolve(flags.etcdKeyfile) }),
  };
}

/** Decides, once, what the cluster is. */
async function plan(flags: UpFlags): Promise<ClusterConfig> {
  const { runtime, rootless, instead } = await nodeKind(flags.runtime);
  const ports = new PortPicker();
  const members = [];
  for (let index = 0; index < flags.members && flags.etcdServers === undefined; index++) {
    const clientPort = await ports.pick(`etcd-${index + 1} clients`, memberClientPort(index));
    const peerPort = await ports.pick(`etcd-${index + 1} peers`, memberClientPort(index) + 1);
    members.push({ name: `etcd-${index + 1}`, clientPort, peerPort });
  }
  const apiPort = await ports.pick(flags.controlPlanes === 1 ? "apiserver" : "balancer", 6443);
  const apiServerPorts = [];
  for (let index = 1; index <= flags.controlPlanes && flags.controlPlanes > 1; index++) {
    apiServerPorts.push(await ports.pick(`apiserver-${index}`, 6443 + index));
  }
  const nodes = [];
  for (let index = 0; index < flags.nodes; index++) {
    const name = `node-${index + 1}`;
    // In a network namespace of its own, a node can have the port every kubelet has.
    const kubeletPort = ownNetworks({ runtime }) ? 10_250 : await ports.pick(name, 10_250 + index);
    nodes.push({ name, address: nodeAddress(runtime, index), kubeletPort });
  }
  const ingress = flags.ingress &&
    flags.nodes > 0 && {
      httpPort: await ports.pick("ingress http", flags.ingressHttpPort),
      httpsPort: await ports.pick("ingress https", flags.ingressHttpsPort),
      loopback: await pickLoopback(),
    };
  if (instead !== undefined) step("note", "nodes", `plain processes, without isolation: ${instead}`);
  for (const { what, wanted, given } of ports.moved) step("note", what, `port ${wanted} is taken, using ${given}`);
  const token = `${flags.name}-${randomBytes(4).toString("hex")}`;
  return {
    ...{ version: 1, name: flags.name, token, members, apiPort, nodes, runtime },
    ...(rootless === true && { rootless }),
    ...(ingress && { ingress }),
    ...(apiServerPorts.length > 0 && { apiServerPorts }),
    ...(flags.etcdServers !== undefined && { externalEtcd: externalEtcd(flags.etcdServers, flags) }),
  };
}

async function requireFreePorts(config: ClusterConfig): Promise<void> {
  for (const [what, port] of portsOf(config)) {
    if (await isFree(port)) continue;
    throw new Failure(
      "PortTaken",
      `port ${port} of ${what} is used by another process`,
      "End that process, or remove this cluster with `flotilla down` and start anew on other ports",
    );
  }
}

function requireOurDirectory(layout: Layout): void {
  if (!existsSync(layout.root) || readdirSync(layout.root).length === 0) return;
  throw new Failure(
    "NotAClusterDirectory",
    `${layout.root} holds files, but no cluster`,
    "Choose another --data-dir, or clear it with `flotilla down`",
  );
}

function writeClientFiles(layout: Layout, config: ClusterConfig): void {
  const files = [
    [layout.kubeconfig, pkiNames.admin],
    [join(layout.run, "controller-manager.kubeconfig"), pkiNames.controllerManager],
    [join(layout.run, "scheduler.kubeconfig"), pkiNames.scheduler],
    [join(layout.run, "proxy.kubeconfig"), pkiNames.proxy],
    [join(layout.run, "dns.kubeconfig"), pkiNames.dns],
    [join(layout.run, "ingress.kubeconfig"), pkiNames.ingress],
    [join(layout.run, "provisioner.kubeconfig"), pkiNames.provisioner],
    ...config.nodes.map(({ name }) => [join(layout.run, `${name}.kubeconfig`), pkiNames.kubelet(name)]),
  ] as [string, string][];
  for (const [file, identity] of files) writeKubeconfig(file, kubeconfigFor(layout, config, identity));
  if (config.externalEtcd !== undefined) return; // whoever runs that store has the means to look into it
  const endpoints = config.members.map(({ clientPort }) => `https://127.0.0.1:${clientPort}`).join(",");
  const etcdctl = {
    ETCDCTL_API: "3",
    ETCDCTL_ENDPOINTS: endpoints,
    ETCDCTL_CACERT: certificateFile(layout, pkiNames.etcdCa),
    ETCDCTL_CERT: certificateFile(layout, pkiNames.etcdClient),
    ETCDCTL_KEY: keyFile(layout, pkiNames.etcdClient),
  };
  const lines = Object.entries(etcdctl).map(([name, value]) => `export ${name}='${value}'`);
  writeFileSync(layout.etcdctlEnv, `${lines.join("\n")}\n`, { mode: 0o600 });
}

/** Starts what the cluster lacks and waits until all of it is ready. Used by `up` and by `start`. */
export async function bringUp(
  layout: Layout,
  config: ClusterConfig,
  waitMs: number,
): Promise<RunningCluster | undefined> {
  say(`flotilla: cluster "${config.name}" in ${layout.root}`);
  if (supervisorOf(layout) !== undefined) {
    step("note", "already running", "`flotilla status` shows its processes");
    return undefined;
  }
  if (processesWithEnvironment("FLOTILLA_CLUSTER_DIR", layout.root).length > 0) {
    step("note", "left-over processes", "their supervisor was killed; ending them");
  }
  await stopCluster(layout, config);
  if (config.runtime === "containerd") requireContainerd(config);
  await requireFreePorts(config);
  const startedAt = performance.now();
  const { ensurePki } = await import("./cluster/pki.ts");
  await ensurePki(layout, config);
  writeClientFiles(layout, config);
  step("done", "certificates", layout.pki, performance.now() - startedAt);
  const running = await startAndWait(layout, config, waitMs);
  const { createDefaultObjects } = await import("./cluster/default-objects.ts");
  await createDefaultObjects(layout);
  return running;
}

/** How to call this program from where the user is: in a checkout it is not on the PATH. */
function programName(): string {
  const script = relative(process.cwd(), join(import.meta.dirname, "..", "bin", "flotilla"));
  return script === join("bin", "flotilla") ? script : "flotilla";
}

export function sayWhatNext(layout: Layout, config: ClusterConfig, merged: boolean): void {
  say();
  const kubeconfig = merged ? "" : `KUBECONFIG=${layout.kubeconfig} `;
  hint("Next:", `${kubeconfig}kubectl get nodes`);
  if (config.externalEtcd === undefined)
    hint("Also:", `source ${layout.etcdctlEnv} && etcdctl endpoint status -w table`);
  if (config.ingress !== undefined && ownNetworks(config)) hint("Here:", addressesHere(config.ingress));
  hint("Stop:", `${programName()} stop --name ${config.name}   (down removes it, data and all)`);
}

export async function main(args: string[]): Promise<void> {
  const command = clusterParser("up", "Starts a cluster on this machine, or resumes it with its data.")
    .option("--members <count>", "store members (1, 3 or 5 make sense)", wholeNumber(1, 9), 3)
    .option("--nodes <count>", "nodes that run pods", wholeNumber(0, 50), 1)
    .option("--no-ingress", "without an Ingress controller, and without addresses of this machine for LoadBalancers")
    .option("--ingress-http-port <port>", "where it serves HTTP on 127.0.0.1", wholeNumber(1, 65_535), 8_080)
    .option("--ingress-https-port <port>", "and HTTPS", wholeNumber(1, 65_535), 8_443)
    .option(
      "--control-planes <count>",
      "API servers (behind a balancer), each with a scheduler and a controller manager",
      wholeNumber(1, 9),
      1,
    )
    .option("--etcd-servers <urls>", "a store of your own, in place of members: client URLs, separated by commas")
    .option("--etcd-cafile <file>", "authority of that store's certificates")
    .option("--etcd-certfile <file>", "client certificate for it")
    .option("--etcd-keyfile <file>", "its key")
    .option("--wait <time>", "how long everything may take to become ready", duration, 60_000)
    .option("--detach", "return as soon as the cluster is ready", false)
    .option("--processes <many|one>", "a process per component (`one` is not there yet)", oneOf("many"), "many")
    .option(
      "--runtime <kind>",
      "who runs pods: namespaces (the built-in engine), containerd (one for each node), process (nobody: no isolation), or auto. The first two need root, or a user namespace",
      oneOf("auto", "namespaces", "containerd", "process"),
      "auto",
    )
    .option("--merge-kubeconfig", "also put the context into kubectl's default kubeconfig", false)
    .allowExcessArguments(false);
  const flags = command.parse(args, { from: "user" }).opts<UpFlags>();
  const layout = layoutOf(flags.name, flags.dataDir);
  let config = readConfig(layout);
  if (config === undefined) {
    requireOurDirectory(layout);
    config = await plan(flags);
    writeConfig(layout, config);
    const notKept = keepPorts(layout, config);
    if (notKept !== undefined) step("note", "ports", `others may have them while this cluster is stopped: ${notKept}`);
  }
  const running = await bringUp(layout, config, flags.wait);
  if (flags.mergeKubeconfig) {
    mergeKubeconfig(defaultKubeconfig(), kubeconfigFor(layout, config, pkiNames.admin));
    step("done", "kubeconfig", `context ${contextName(config.name)} in ${defaultKubeconfig()}`);
  }
  sayWhatNext(layout, config, flags.mergeKubeconfig);
  if (flags.detach) running?.detach();
  else await running?.follow();
}
