import type { ServicePort } from "../service-ports.ts";

/** A flow of datagrams that the kernel sends on to where it went before, whatever the rules say by now. */
export interface UdpFlow {
  /** Where the client sends to. */
  readonly address: string;
  readonly port: number;
  /** Where that goes. */
  readonly backendAddress: string;
  readonly backendPort: number;
}

/** Reads what `conntrack -L -p udp` prints: first what the client sends, then what it expects back. */
export function parseUdpFlows(listing: string): UdpFlow[] {
  const flows: UdpFlow[] = [];
  for (const line of listing.split("\n")) {
    const values = (key: string) => [...line.matchAll(new RegExp(`\\b${key}=(\\S+)`, "g"))].map((match) => match[1]);
    const [, backendAddress] = values("src");
    const [address] = values("dst");
    const [port] = values("dport");
    const [, backendPort] = values("sport");
    if (address === undefined || backendAddress === undefined) continue;
    flows.push({ address, port: Number(port), backendAddress, backendPort: Number(backendPort) });
  }
  return flows;
}

/** The flows to Services that go where nobody serves them any more (pkg/proxy/conntrack/cleanup.go), each once. */
export function staleUdpFlows(flows: readonly UdpFlow[], ports: readonly ServicePort[], nodeIP: string): UdpFlow[] {
  const serving = new Map<string, Set<string>>();
  for (const port of ports) {
    if (port.protocol !== "UDP") continue;
    const backends = new Set(port.serving.map(({ address, port }) => `${address}:${port}`));
    for (const address of [port.clusterIP, ...port.externalIPs, ...port.loadBalancerIPs])
      serving.set(`${address}:${port.port}`, backends);
    if (port.nodePort !== undefined) serving.set(`${nodeIP}:${port.nodePort}`, backends);
  }
  const stale = flows.filter(({ address, port, backendAddress, backendPort }) => {
    const backends = serving.get(`${address}:${port}`);
    return backends !== undefined && !backends.has(`${backendAddress}:${backendPort}`);
  });
  return [...new Map(stale.map((flow) => [JSON.stringify(flow), flow])).values()];
}
