import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../base/mod.ts";
import {
  createClusterNetwork,
  createNodeNetwork,
  destroyClusterNetwork,
  destroyNode,
  removeAsRoot,
  requireContainerd,
  stopNode,
  whyNoMachine,
} from "../../dataplane/kubelet/mod.ts";
import { type ClusterConfig, edgeAddress, type NodeRuntime, ownNetworks } from "./config.ts";
import type { Layout } from "./layout.ts";
import { endMachine } from "./user-machine.ts";

/** How nodes will run their pods; `instead`: why not better. */
export interface NodeKind {
  readonly runtime: NodeRuntime;
  readonly rootless?: true;
  readonly instead?: string;
}

/**
 * Nodes with a network of their own need root, or a user namespace where this user is root; without, they are plain processes. Throws Failure when what
 * is insisted on cannot be had.
 */
export async function nodeKind(wanted: "auto" | NodeRuntime): Promise<NodeKind> {
  if (wanted === "process") return { runtime: "process" };
  const runtime = wanted === "auto" ? "namespaces" : wanted;
  const rootless = process.getuid?.() !== 0;
  if (runtime === "containerd") requireContainerd({ rootless });
  if (!rootless) return { runtime };
  const why = await whyNoMachine();
  if (why === undefined) return { runtime, rootless };
  if (wanted === "auto") return { runtime: "process", instead: `no user namespaces here (${why})` };
  throw new Failure(
    "NeedsRoot",
    `nodes with --runtime ${wanted} need root or a user namespace, and there is none: ${why}`,
    "Run as root, or choose --runtime process",
  );
}

/** A node's own address: on the underlay, or on the host's loopback where nodes are plain processes. */
export function nodeAddress(runtime: NodeRuntime, index: number): string {
  return ownNetworks({ runtime }) ? `172.30.0.${11 + index}` : `127.30.0.${11 + index}`;
}

/** The component that lives in the edge, a network namespace beside those of the nodes. */
export const edgeComponent = "ingress";

/** Makes the network of the cluster; returns the namespace of each node, by its name, and of the edge, by its component's. Idempotent. Needs root. */
export async function prepareNetwork(config: ClusterConfig): Promise<Map<string, string>> {
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
  if (config.rootless === true) await endMachine(layout);
  for (const { name } of config.nodes) await stopNode({ rootDir: layout.nodeDir(name) });
  if (ownNetworks(config) && config.rootless !== true) await destroyClusterNetwork(config.token);
}

/** Removes every node's directory and whatever is still mounted below it, whether or not the cluster's description can be read. */
export async function removeNodes(layout: Layout): Promise<void> {
  const nodes = join(layout.root, "nodes");
  if (!existsSync(nodes)) return;
  // What a rootless node's containers wrote belongs to ids that only root of a user namespace may touch.
  const rootless = process.getuid?.() !== 0 && (await whyNoMachine()) === undefined;
  for (const name of readdirSync(nodes)) await (rootless ? stopNode : destroyNode)({ rootDir: join(nodes, name) });
  if (rootless) await removeAsRoot(nodes);
  else rmSync(nodes, { recursive: true, force: true });
}
