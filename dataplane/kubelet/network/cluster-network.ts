import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { run, runAny } from "../runtime/embedded/spawn.ts";
import {
  createNamespace,
  destroyNamespace,
  exists,
  ipBatch,
  nodeNamespace,
  underlayNamespace,
  underlayPort,
} from "./namespace.ts";

export const underlayCidr = "172.30.0.0/16";

/**
 * The cable between nodes: a bridge in a network namespace of its own. Returns the namespace's file. Idempotent. Needs root; throws Failure
 * (NetworkNamespaceFailed) without.
 */
export async function createClusterNetwork(cluster: string): Promise<{ readonly namespace: string }> {
  const namespace = underlayNamespace(cluster);
  await createNamespace(namespace);
  // Bridged frames need no filter of the IP layer; the switch exists only where br_netfilter is loaded.
  const quiet =
    "for f in iptables ip6tables arptables; do echo 0 > /proc/sys/net/bridge/bridge-nf-call-$f; done 2>/dev/null; :";
  const bridge = "ip link show br0 >/dev/null 2>&1 || ip link add br0 type bridge; ip link set br0 up";
  await run(["nsenter", `--net=${namespace}`, "--", "/bin/sh", "-ec", `${quiet}\n${bridge}`]);
  return { namespace };
}

export interface NodeNetworkOptions {
  readonly cluster: string;
  readonly node: string;
  /** The node's address on the underlay, e.g. 172.30.0.11. */
  readonly nodeIP: string;
}

/**
 * A node's own network namespace, cabled to the underlay (createClusterNetwork comes first). Returns the namespace's file: start the node
 * agent with `nsenter --net=FILE`. Idempotent. Pod addresses, routes to other nodes and Services are the node agent's.
 */
export async function createNodeNetwork(options: NodeNetworkOptions): Promise<{ readonly namespace: string }> {
  const { cluster, node, nodeIP } = options;
  const namespace = nodeNamespace(cluster, node);
  const underlay = underlayNamespace(cluster);
  const port = underlayPort(node);
  await createNamespace(namespace);
  const forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
  await run(["nsenter", `--net=${namespace}`, "--", "/bin/sh", "-ec", forward]);
  const wired = await runAny(["nsenter", `--net=${namespace}`, "--", "ip", "link", "show", "eth0"]);
  if (wired.exitCode === 0) return { namespace };
  // Both ends are made where they belong: the host's own namespace never sees them.
  await ipBatch(namespace, [
    `link add eth0 type veth peer name ${port} netns ${underlay}`,
    `address add ${nodeIP}/${underlayCidr.split("/")[1]} dev eth0`,
    "link set eth0 up",
  ]);
  await ipBatch(underlay, [`link set ${port} master br0`, `link set ${port} up`]);
  return { namespace };
}

/** Idempotent. Pods' namespaces are destroyNode's. */
export async function destroyNodeNetwork(options: { readonly cluster: string; readonly node: string }): Promise<void> {
  const underlay = underlayNamespace(options.cluster);
  // The kernel takes a namespace apart some time after its last user left; the port goes at once.
  if (exists(underlay)) await ipBatch(underlay, [`link delete ${underlayPort(options.node)}`], { force: true });
  await destroyNamespace(nodeNamespace(options.cluster, options.node));
}

/** Removes the underlay and every node network of the cluster that is still there. Idempotent. */
export async function destroyClusterNetwork(cluster: string): Promise<void> {
  const underlay = underlayNamespace(cluster);
  const prefix = nodeNamespace(cluster, "").slice(dirname(underlay).length + 1);
  for (const name of listNamespaces(dirname(underlay))) {
    if (name.startsWith(prefix)) await destroyNamespace(join(dirname(underlay), name));
  }
  await destroyNamespace(underlay);
}

function listNamespaces(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
