import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Failure, type Log } from "../base/mod.ts";
import { systemClock } from "../controlplane/client/mod.ts";
import { apiServerReadiness, startBalancer } from "../dataplane/balancer/mod.ts";

export interface ApiServers {
  readonly sockets: readonly string[];
  /** `ip:port` at which the node and its pods reach the API, made an address of this node. */
  readonly address: string | undefined;
  readonly ca: Buffer;
}

/** How the agent's own clients reach the API, where that differs from what their kubeconfigs say. */
export interface ApiAccess {
  readonly server?: string;
  readonly socketPath?: string;
}

/**
 * Leads a node to the API servers, which live outside its network. The agent takes the same way as its pods, by `address`: what cuts the node off
 * cuts off all of it. Without an address there is no network of its own, and a single socket is used as it is.
 */
export async function startApiForwarder(
  { sockets, address, ca }: ApiServers,
  log: Log,
): Promise<{ readonly access: ApiAccess; stop(): Promise<void> }> {
  if (address === undefined || sockets.length === 0) {
    const [socketPath, ...others] = sockets;
    const access = socketPath !== undefined && others.length === 0 ? { socketPath } : {};
    return { access, stop: async () => undefined };
  }
  const [host, port] = address.split(":") as [string, string];
  await addAddress(host);
  const balancer = await startBalancer({
    listen: [{ host, port: Number(port) }],
    targets: sockets.map((path, index) => ({ name: `apiserver-${index + 1}`, at: { path } })),
    ...(sockets.length > 1 && { check: apiServerReadiness(ca, "kubernetes") }),
    clock: systemClock,
    log,
  });
  return { access: { server: `https://${address}` }, stop: () => balancer.stop() };
}

async function addAddress(ip: string): Promise<void> {
  try {
    await promisify(execFile)("ip", ["address", "replace", `${ip}/32`, "dev", "lo"]);
  } catch (error) {
    throw new Failure(
      "AddressFailed",
      `cannot make ${ip} an address of this node: ${(error as Error).message.trim()}`,
      "Node agents run in a network namespace of their own, which `flotilla up` makes",
      error,
    );
  }
}
