import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../base/mod.ts";
import {
  createClusterNetwork,
  createNodeNetwork,
  destroyClusterNetwork,
  destroyNode,
  requireContainerd,
  stopNode,
} from "../../dataplane/kubelet/mod.ts";
import { type ClusterConfig, edgeAddress, type NodeRuntime, ownNetworks } from "./config.ts";
import type { Layout } from "./layout.ts";

/** Namespaces need root; without it, nodes are plain processes. Throws Failure when what is insisted on cannot be had. */
export function nodeRuntime(wanted: "auto" | NodeRuntime): NodeRuntime {
  const root = process.getuid?.() === 0;
  if (wanted === "process" || (wanted === "auto" && !root)) return "process";
  if (!root) {
    throw new Failure(
      "NeedsRoot",
      `nodes with --runtime ${wanted} need root for their namespaces`,
      "Run as root, or choose --runtime process",
    );
  }
  if (wanted === "containerd") requireContainerd({});
  return wanted === "auto" ? "namespaces" : wanted;
}

/** A node's own address: on the underlay, or on the host's loopback where nodes are plain processes. */
export function nodeAddress(runtime: NodeRuntime, index: number): string {
  return ownNetworks({ runtime }) ? `172.30.0.${11 + index}` : `127.30.0.${11 + index}`;
}

/** The component that lives in the edge, a network namespace beside those of the nodes. */
export const edgeComponent = "ingress";

/** Makes the network of the cluster; returns the namespace of each node, by its name, and of the edge, by its component's. Idempotent. */
export async function prepareNetwork(_layout: Layout, config: ClusterConfig): Promise<Map<string, string>> {
  const namespaces = new Map<string, string>();
  if (!ownNetworks(config) || config.nodes.length === 0) return namespaces;
  // The token is unlike that of any other cluster, also of one with the same name elsewhere.
  await createClusterNetwork(config.token);
  for (const { name, address } of config.nodes) {
    const { namespace } = await createNodeNetwork({ cluster: config.token, node: name, nodeIP: address });
    namespaces.set(name, namespace);
  }
  if (config.ingress !== undefined) {
    const { namespace } = await createNodeNetwork({ cluster: config.token, node: "edge", nodeIP: edgeAddress });
    namespaces.set(edgeComponent, namespace);
  }
  return namespaces;
}

/** Ends what runs on the nodes and takes their networks away; files stay. The node agents must be gone. Idempotent. */
export async function releaseNetwork(layout: Layout, config: ClusterConfig): Promise<void> {
  for (const { name } of config.nodes) await stopNode({ rootDir: layout.nodeDir(name) });
  if (ownNetworks(config)) await destroyClusterNetwork(config.token);
}

/** Removes every node's directory and whatever is still mounted below it, whether or not the cluster's description can be read. */
export async function removeNodes(layout: Layout): Promise<void> {
  const nodes = join(layout.root, "nodes");
  if (!existsSync(nodes)) return;
  for (const name of readdirSync(nodes)) await destroyNode({ rootDir: join(nodes, name) });
  rmSync(nodes, { recursive: true, force: true });
}
