import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { Failure } from "../../base/mod.ts";
import type { Layout } from "./layout.ts";

export interface MemberConfig {
  readonly name: string;
  readonly clientPort: number;
  readonly peerPort: number;
}

export interface NodeConfig {
  readonly name: string;
  /** Address on the cluster's underlay, or loopback where nodes have no network of their own. */
  readonly address: string;
  readonly kubeletPort: number;
}

export interface IngressConfig {
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Beginning of the loopback addresses that stand for those of the underlay: with `127.30`, 172.30.200.1 is 127.30.200.1 on this machine. */
  readonly loopback: string;
}

/** Client URLs and, for https, the files with which to speak to them. */
export interface ExternalEtcd {
  readonly servers: readonly string[];
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** What a cluster is, decided by its first `up`. Later starts resume with exactly this. */
export interface ClusterConfig {
  readonly version: 1;
  readonly name: string;
  /** Distinguishes this cluster's members from those of any other (etcd's initial-cluster-token). */
  readonly token: string;
  readonly members: readonly MemberConfig[];
  /** Where clients reach the API: the API server, or the balancer before several. */
  readonly apiPort: number;
  /** Ports of the API servers behind the balancer; absent where there is one, which has `apiPort`. Each has a scheduler and controllers beside it. */
  readonly apiServerPorts?: readonly number[];
  /** A store that is not this cluster's own, in place of members. */
  readonly externalEtcd?: ExternalEtcd;
  readonly nodes: readonly NodeConfig[];
  /** Where this machine reaches the Ingress controller, on 127.0.0.1. Absent: there is none. */
  readonly ingress?: IngressConfig;
  readonly runtime: NodeRuntime;
  /** Nodes live in a user namespace, where whoever started the cluster is root. */
  readonly rootless?: true;
}

/** Who runs the pods: our own engine, a containerd for each node, or nobody: plain processes on loopback addresses. */
export type NodeRuntime = "namespaces" | "containerd" | "process";

/** Whether each node has a network namespace of its own. */
export function ownNetworks({ runtime }: Pick<ClusterConfig, "runtime">): boolean {
  return runtime !== "process";
}

/** Where nodes are plain processes on the host's own network, only loopback addresses can be had: a range of them for each cluster. */
export function serviceCIDR({ runtime, token }: Pick<ClusterConfig, "runtime" | "token">): string {
  if (ownNetworks({ runtime })) return "10.96.0.0/16";
  const digest = createHash("sha256").update(token).digest();
  return `127.${64 + ((digest[0] as number) % 64)}.0.0/16`;
}

/** How many API servers, schedulers and controller managers there are. */
export function controlPlanes({ apiServerPorts }: Pick<ClusterConfig, "apiServerPorts">): number {
  return apiServerPorts?.length ?? 1;
}

/**
 * The address of the API servers as nodes and pods see them: every node has it on its own loopback device and forwards what arrives there. Where
 * nodes are plain processes on the host's network, they reach the API as everybody else.
 */
export const nodeApiAddress = "172.30.0.1";
export const nodeApiPort = 6443;

/** The first address of the range: that of the Service `kubernetes`. */
export function apiServiceAddress(config: Pick<ClusterConfig, "runtime" | "token">): string {
  return serviceCIDR(config).replace(/0\/16$/, "1");
}

/** The Service kube-dns; where nodes are plain processes there is none. */
export const dnsServiceAddress = "10.96.0.10";

/** How this machine reaches what of the cluster is open to the outside. */
export function addressesHere({ loopback }: IngressConfig): string {
  return `a LoadBalancer's 172.30.200.1 is ${loopback}.200.1 on this machine, a node's 172.30.0.11 is ${loopback}.0.11`;
}

/** Of the network namespace from where the cluster is reached, on the underlay. */
export const edgeAddress = "172.30.0.3";

/** Addresses for Services of type LoadBalancer, on the underlay. */
export const loadBalancerCIDR = "172.30.200.0/24";

export const podCIDR = "10.244.0.0/16";

export function readConfig(layout: Layout): ClusterConfig | undefined {
  if (!existsSync(layout.configFile)) return undefined;
  try {
    const config = JSON.parse(readFileSync(layout.configFile, "utf8")) as ClusterConfig;
    if (config.version !== 1 || !Array.isArray(config.members))
      throw new Error("not a cluster description of this version");
    return config;
  } catch (error) {
    throw new Failure(
      "ClusterConfigUnreadable",
      `cannot read ${layout.configFile}: ${(error as Error).message}`,
      "Restore the file, or remove the cluster with `flotilla down`",
      error,
    );
  }
}

/** Written whole or not at all. */
export function writeConfig(layout: Layout, config: ClusterConfig): void {
  mkdirSync(layout.root, { recursive: true, mode: 0o700 });
  const draft = `${layout.configFile}.new`;
  writeFileSync(draft, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(draft, layout.configFile);
}
