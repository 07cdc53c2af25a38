import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { ClusterConfig } from "./config.ts";
import { clustersHome, type Layout } from "./layout.ts";

// A cluster keeps its ports while it is stopped: those of its members stand in the membership, that of the API in people's kubeconfigs. Each is a
// link, named after the port, to the description of the cluster that has it; a link that leads nowhere keeps nothing.

const linksFolder = () => join(clustersHome(), ".ports");

/** The ports of this machine that a cluster has, and what for. */
export function portsOf(config: ClusterConfig): [what: string, port: number][] {
  const { members, apiServerPorts, apiPort, ingress } = config;
  const ports: [string, number][] = members.flatMap(({ name, clientPort, peerPort }) => [
    [name, clientPort],
    [name, peerPort],
  ]);
  ports.push([apiServerPorts === undefined ? "apiserver" : "balancer", apiPort]);
  for (const [index, port] of (apiServerPorts ?? []).entries()) ports.push([`apiserver-${index + 1}`, port]);
  if (ingress !== undefined) ports.push(["ingress http", ingress.httpPort], ["ingress https", ingress.httpsPort]);
  return ports;
}

/** Whether a cluster of this user has the port, running or not. */
export function isKept(port: number): boolean {
  return existsSync(join(linksFolder(), String(port)));
}

/** Returns why they cannot be kept: a user may have no home to write to. */
export function keepPorts(layout: Layout, config: ClusterConfig): string | undefined {
  const folder = linksFolder();
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const [, port] of portsOf(config)) {
      const link = join(folder, String(port));
      rmSync(link, { force: true });
      symlinkSync(layout.configFile, link);
    }
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Of a cluster that is removed. */
export function giveUpPorts(layout: Layout): void {
  const folder = linksFolder();
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const link = join(folder, name);
    if (readlinkSync(link) === layout.configFile) rmSync(link);
  }
}
