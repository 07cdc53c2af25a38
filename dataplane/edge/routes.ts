import type { EndpointSlice, Node, Service } from "../../controlplane/api/mod.ts";

const serviceNameLabel = "kubernetes.io/service-name";
/** A node with it gets no traffic from outside. */
const excludeLabel = "node.kubernetes.io/exclude-from-external-load-balancers";

/** Whereto packets for an address go. */
export interface EdgeRoutes {
  /** The node by whose address its pods are reached, by the CIDR of its pods. */
  readonly pods: ReadonlyMap<string, string>;
  /** The nodes, by address, that may answer for an address of a LoadBalancer; none: nobody can. Sorted. */
  readonly balanced: ReadonlyMap<string, readonly string[]>;
}

export function internalAddress(node: Node): string | undefined {
  return node.status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
}

function isReady(node: Node): boolean {
  return node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
}

/** Under externalTrafficPolicy Cluster every node leads to all endpoints. */
function anyNode(nodes: readonly Node[]): Node[] {
  return nodes.filter(
    (node) =>
      isReady(node) &&
      node.metadata.deletionTimestamp === undefined &&
      node.metadata.labels?.[excludeLabel] === undefined,
  );
}

/**
 * Under externalTrafficPolicy Local a node leads to its own endpoints alone: those with a ready one, or, when no node has, those with one that
 * still serves while it terminates (KEP-1669).
 */
function nodesWithEndpoints(nodes: readonly Node[], slices: readonly EndpointSlice[]): Node[] {
  const ready = new Set<string>();
  const serving = new Set<string>();
  for (const { endpoints } of slices) {
    for (const { nodeName, conditions } of endpoints ?? []) {
      if (nodeName === undefined) continue;
      if (conditions?.ready !== false) ready.add(nodeName);
      else if (conditions.serving && conditions.terminating) serving.add(nodeName);
    }
  }
  const chosen = ready.size > 0 ? ready : serving;
  return nodes.filter(({ metadata }) => chosen.has(metadata.name ?? ""));
}

/** An address of a load balancer that somebody else provides is not ours to route. */
export function balancerAddresses(service: Service, inPool: (address: string) => boolean): string[] {
  if (service.spec?.type !== "LoadBalancer") return [];
  return (service.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) =>
    ip !== undefined && inPool(ip) ? [ip] : [],
  );
}

/** What the edge must route, from the objects alone. */
export function edgeRoutes(
  nodes: readonly Node[],
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  inPool: (address: string) => boolean,
): EdgeRoutes {
  const pods = new Map<string, string>();
  for (const node of nodes) {
    const address = internalAddress(node);
    if (address !== undefined && node.spec?.podCIDR) pods.set(node.spec.podCIDR, address);
  }
  const slicesOf = Map.groupBy(slices, (it) => `${it.metadata.namespace}/${it.metadata.labels?.[serviceNameLabel]}`);
  const balanced = new Map<string, string[]>();
  for (const service of services) {
    const { metadata, spec } = service;
    const local = spec?.externalTrafficPolicy === "Local";
    const own = slicesOf.get(`${metadata.namespace}/${metadata.name}`) ?? [];
    for (const address of balancerAddresses(service, inPool)) {
      const chosen = (local ? nodesWithEndpoints(nodes, own) : anyNode(nodes)).flatMap(
        (it) => internalAddress(it) ?? [],
      );
      balanced.set(address, [...new Set(chosen)].sort());
    }
  }
  return { pods, balanced };
}
