import type { EndpointSlice, Service } from "../../controlplane/api/mod.ts";

export type Protocol = "TCP" | "UDP" | "SCTP";

/** Where a connection may end. */
export interface Backend {
  readonly address: string;
  readonly port: number;
  /** On this node. */
  readonly local: boolean;
}

/** One port of one Service with the backends that connections to it are spread over. */
export interface ServicePort {
  /** `namespace/name/protocol/port name`: identity across changes. */
  readonly id: string;
  readonly protocol: Protocol;
  readonly clusterIP: string;
  readonly port: number;
  readonly nodePort: number | undefined;
  /** For connections to the cluster IP. */
  readonly backends: readonly Backend[];
  /** For connections to the node port; differs from `backends` only under externalTrafficPolicy Local. */
  readonly externalBackends: readonly Backend[];
  /** Connections from outside keep their source address: they end on this node only. */
  readonly externalLocal: boolean;
  /** A client goes on to the same backend for this long after its last connection; undefined without session affinity. */
  readonly affinitySeconds: number | undefined;
}

const serviceNameLabel = "kubernetes.io/service-name";

interface Candidate extends Backend {
  readonly ready: boolean;
  readonly servingWhileTerminating: boolean;
}

function candidates(slices: readonly EndpointSlice[], portName: string, protocol: Protocol, node: string): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    if (slice.addressType !== "IPv4") continue;
    for (const { name = "", protocol: transport = "TCP", port } of slice.ports ?? []) {
      if (name !== portName || transport !== protocol || !port) continue;
      for (const endpoint of slice.endpoints ?? []) {
        const { ready, serving, terminating } = endpoint.conditions ?? {};
        const address = endpoint.addresses[0];
        if (address === undefined) continue;
        found.set(`${address}:${port}`, {
          address,
          port,
          local: endpoint.nodeName === node,
          ready: ready !== false,
          servingWhileTerminating: serving === true && terminating === true,
        });
      }
    }
  }
  return [...found.values()].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : a.port - b.port));
}

/** The ready ones; when none is, those that still serve while they terminate (KEP-1669). */
function usable(all: readonly Candidate[]): Backend[] {
  const ready = all.filter((candidate) => candidate.ready);
  const chosen = ready.length > 0 ? ready : all.filter((candidate) => candidate.servingWhileTerminating);
  return chosen.map(({ address, port, local }) => ({ address, port, local }));
}

function hasClusterIP(service: Service): boolean {
  const { clusterIP, type } = service.spec ?? {};
  return type !== "ExternalName" && clusterIP !== undefined && clusterIP !== "" && clusterIP !== "None";
}

/** What a node has to forward, from the objects alone: the same objects give the same list, in the order of ids. */
export function servicePorts(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  node: string,
): ServicePort[] {
  const slicesOf = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const service = slice.metadata.labels?.[serviceNameLabel];
    if (service === undefined) continue;
    const key = `${slice.metadata.namespace}/${service}`;
    slicesOf.set(key, [...(slicesOf.get(key) ?? []), slice]);
  }
  const ports: ServicePort[] = [];
  for (const service of services) {
    if (!hasClusterIP(service)) continue;
    const { spec, metadata } = service;
    const key = `${metadata.namespace}/${metadata.name}`;
    const external = spec?.type === "NodePort" || spec?.type === "LoadBalancer";
    const externalLocal = external && spec?.externalTrafficPolicy === "Local";
    for (const port of spec?.ports ?? []) {
      const protocol = (port.protocol ?? "TCP") as Protocol;
      const all = candidates(slicesOf.get(key) ?? [], port.name ?? "", protocol, node);
      const local = all.filter((candidate) => candidate.local);
      ports.push({
        id: `${key}/${protocol.toLowerCase()}/${port.name ?? ""}`,
        protocol,
        clusterIP: spec?.clusterIP as string,
        port: port.port,
        nodePort: external && port.nodePort ? port.nodePort : undefined,
        backends: usable(spec?.internalTrafficPolicy === "Local" ? local : all),
        externalBackends: usable(externalLocal ? local : all),
        externalLocal,
        affinitySeconds:
          spec?.sessionAffinity === "ClientIP"
            ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800)
            : undefined,
      });
    }
  }
  return ports.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}
