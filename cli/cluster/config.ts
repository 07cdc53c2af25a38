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

/** What a cluster is, decided by its first `up`. Later starts resume with exactly this. */
export interface ClusterConfig {
  readonly version: 1;
  readonly name: string;
  /** Distinguishes this cluster's members from those of any other (etcd's initial-cluster-token). */
  readonly token: string;
  readonly members: readonly MemberConfig[];
  readonly apiPort: number;
  readonly nodes: readonly NodeConfig[];
  /** Nodes with their own network namespaces (needs root), or plain processes on loopback addresses. */
  readonly runtime: "namespaces" | "process";
}

/** Where nodes are plain processes on the host's own network, only loopback addresses can be had: a range of them for each cluster. */
export function serviceCIDR({ runtime, token }: Pick<ClusterConfig, "runtime" | "token">): string {
  if (runtime === "namespaces") return "10.96.0.0/16";
  const digest = createHash("sha256").update(token).digest();
  return `127.${64 + ((digest[0] as number) % 64)}.0.0/16`;
}

/** The first address of the range: that of the Service `kubernetes`. */
export function apiServiceAddress(config: Pick<ClusterConfig, "runtime" | "token">): string {
  return serviceCIDR(config).replace(/0\/16$/, "1");
}

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
