import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { promisify } from "node:util";
import { Failure, type Log } from "../base/mod.ts";
import { systemClock } from "../controlplane/client/mod.ts";
import { apiServerReadiness, type Listen, startBalancer } from "../dataplane/balancer/mod.ts";

export interface ApiServers {
  readonly sockets: readonly string[];
  /** `ip:port` at which pods reach the API, made an address of this node. */
  readonly address: string | undefined;
  readonly ca: Buffer;
}

/**
 * How a node reaches the API servers, which live outside its network: pods by `address`, the agent's own clients by the returned socket (the one
 * API server's own where there is one only, else one made next to `beside`; undefined: as the kubeconfig says).
 */
export async function startApiForwarder(
  { sockets, address, ca }: ApiServers,
  beside: string | undefined,
  log: Log,
): Promise<{ readonly socketPath: string | undefined; stop(): Promise<void> }> {
  const several = sockets.length > 1;
  const ownSocket = several ? `${beside ?? sockets[0]}.api` : undefined;
  const listen: Listen[] = ownSocket === undefined ? [] : [{ path: ownSocket }];
  if (ownSocket !== undefined) rmSync(ownSocket, { force: true }); // of an agent that was killed
  if (address !== undefined && sockets.length > 0) {
    const [host, port] = address.split(":") as [string, string];
    await addAddress(host);
    listen.push({ host, port: Number(port) });
  }
  if (listen.length === 0) return { socketPath: sockets[0], stop: async () => undefined };
  const balancer = await startBalancer({
    listen,
    targets: sockets.map((path, index) => ({ name: `apiserver-${index + 1}`, at: { path } })),
    ...(several && { check: apiServerReadiness(ca, "kubernetes") }),
    clock: systemClock,
    log,
  });
  return { socketPath: ownSocket ?? sockets[0], stop: () => balancer.stop() };
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
