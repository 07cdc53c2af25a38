import type { EndpointSlice } from "../../controlplane/api/mod.ts";

export type Protocol = "TCP" | "UDP" | "SCTP";

/** Where a connection may end. */
export interface Backend {
  readonly address: string;
  readonly port: number;
  /** On this node. */
  readonly local: boolean;
}

/** The node that forwards. */
export interface Here {
  readonly node: string;
  /** Label topology.kubernetes.io/zone of the node. */
  readonly zone?: string;
}

/** The backends of one Service port, as one node sees them. */
export interface BackendChoice {
  /** For traffic that may go anywhere. */
  readonly cluster: readonly Backend[];
  /** For traffic that must stay on this node. */
  readonly local: readonly Backend[];
  /** Some node has a backend for it: a node that has none itself is silent instead of refusing. */
  readonly any: boolean;
  readonly ready: readonly Backend[];
  /** Whoever still answers: flows that go to others have to be forgotten. */
  readonly serving: readonly Backend[];
}

export interface Endpoint extends Backend {
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** Zones and nodes it is meant for (EndpointHints of discovery.k8s.io/v1). */
  readonly zones: readonly string[];
  readonly nodes: readonly string[];
}

const rank = ({ ready, serving }: Endpoint) => (ready ? 2 : serving ? 1 : 0);

/** The endpoints that the slices of one Service list for one of its ports, each once, in the order of their addresses. */
export function endpointsOf(
  slices: readonly EndpointSlice[],
  portName: string,
  protocol: Protocol,
  node: string,
): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.addressType !== "IPv4") continue;
    for (const { name = "", protocol: transport = "TCP", port } of slice.ports ?? []) {
      if (name !== portName || transport !== protocol || !port) continue;
      for (const { addresses, conditions, nodeName, hints } of slice.endpoints ?? []) {
        const address = addresses[0];
        if (address === undefined) continue;
        const endpoint: Endpoint = {
          address,
          port,
          local: nodeName === node,
          // What is unknown is read as ready and serving (EndpointConditions of discovery.k8s.io/v1).
          ready: conditions?.ready !== false,
          serving: conditions?.serving !== false,
          terminating: conditions?.terminating === true,
          zones: hints?.forZones?.map(({ name }) => name) ?? [],
          nodes: hints?.forNodes?.map(({ name }) => name) ?? [],
        };
        // While one slice takes over from another, both list it: what knows it better counts.
        const known = found.get(`${address}:${port}`);
        if (known === undefined || rank(endpoint) > rank(known)) found.set(`${address}:${port}`, endpoint);
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : a.port - b.port));
}

/** The ready ones that hints mean for here; hints count only when every ready endpoint has some, and one is for here. */
function closest(ready: readonly Endpoint[], { node, zone }: Here): readonly Endpoint[] {
  if (ready.every(({ nodes }) => nodes.length > 0)) {
    const mine = ready.filter(({ nodes }) => nodes.includes(node));
    if (mine.length > 0) return mine;
  }
  if (zone !== undefined && ready.every(({ zones }) => zones.length > 0)) {
    const mine = ready.filter(({ zones }) => zones.includes(zone));
    if (mine.length > 0) return mine;
  }
  return ready;
}

const plain = ({ address, port, local }: Endpoint): Backend => ({ address, port, local });

/** As kube-proxy's CategorizeEndpoints (pkg/proxy/topology.go): when none is ready, those that still serve while they terminate (KEP-1669). */
export function chooseBackends(endpoints: readonly Endpoint[], here: Here): BackendChoice {
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  const leaving = endpoints.filter(({ serving, terminating }) => serving && terminating);
  const isLocal = ({ local }: Endpoint) => local;
  const cluster = ready.length > 0 ? closest(ready, here) : leaving;
  // Hints are no matter here: what is on the node could not be closer.
  const local = ready.some(isLocal) ? ready.filter(isLocal) : leaving.filter(isLocal);
  return {
    cluster: cluster.map(plain),
    local: local.map(plain),
    any: ready.length > 0 || leaving.length > 0,
    ready: ready.map(plain),
    serving: endpoints.filter((endpoint) => endpoint.ready || endpoint.serving).map(plain),
  };
}
