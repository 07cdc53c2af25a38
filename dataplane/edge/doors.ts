import type { Node, Service } from "../../controlplane/api/mod.ts";
import { balancerAddresses, internalAddress } from "./routes.ts";

export interface Door {
  readonly address: string;
  readonly port: number;
}

export function doorId({ address, port }: Door): string {
  return `${address}:${port}`;
}

/** The address of a loopback network of the machine that stands for one of the cluster: in 127.30, 172.30.200.1 is 127.30.200.1. */
export function hostAddress(address: string, loopback: string): string {
  return address.replace(/^\d+\.\d+/, loopback);
}

/**
 * What of the cluster the machine shall reach, of TCP: ports of LoadBalancers' addresses, and node ports at every node. Sorted by id, each once.
 */
export function doorsOf(
  nodes: readonly Node[],
  services: readonly Service[],
  inPool: (address: string) => boolean,
): Door[] {
  const doors = new Map<string, Door>();
  const add = (door: Door) => doors.set(doorId(door), door);
  const nodeAddresses = nodes.flatMap((node) => internalAddress(node) ?? []);
  for (const service of services) {
    const addresses = balancerAddresses(service, inPool);
    const hasNodePorts = service.spec?.type === "NodePort" || service.spec?.type === "LoadBalancer";
    for (const { port, nodePort, protocol = "TCP" } of service.spec?.ports ?? []) {
      if (protocol !== "TCP") continue;
      for (const address of addresses) add({ address, port });
      if (hasNodePorts && nodePort) for (const address of nodeAddresses) add({ address, port: nodePort });
    }
  }
  return [...doors].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, door]) => door);
}
