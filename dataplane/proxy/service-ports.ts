import { isIPv4 } from "node:net";
import type { EndpointSlice, Service } from "../../controlplane/api/mod.ts";
import { type Backend, type BackendChoice, chooseBackends, endpointsOf, type Here, type Protocol } from "./backends.ts";

/** One port of one Service: where it is reached, by whom, and the backends that connections are spread over. IPv4 alone. */
export interface ServicePort extends BackendChoice {
  /** `namespace/name/protocol/port name`: identity across changes. */
  readonly id: string;
  /** `namespace/name`. */
  readonly service: string;
  readonly protocol: Protocol;
  readonly clusterIP: string;
  readonly port: number;
  readonly nodePort: number | undefined;
  readonly externalIPs: readonly string[];
  /** Those that a load balancer leaves in packets: one that connects by itself (ipMode Proxy, or a host name) needs no rule here. */
  readonly loadBalancerIPs: readonly string[];
  /** Who may connect to the load balancer's addresses; empty: everybody. */
  readonly sourceRanges: readonly string[];
  /** Connections to the cluster IP stay on the node they come from. */
  readonly internalLocal: boolean;
  /** Connections from outside end on the node they arrive at, and keep their source address. */
  readonly externalLocal: boolean;
  /** A client goes on to the same backend for this long after its last connection; undefined without session affinity. */
  readonly affinitySeconds: number | undefined;
  /** Where load balancers ask whether this node has backends of its own. */
  readonly healthCheckNodePort: number | undefined;
}

const serviceNameLabel = "kubernetes.io/service-name";
const defaultAffinitySeconds = 10_800;

/** Backends of connections to the cluster IP. */
export function internalBackends({ internalLocal, local, cluster }: ServicePort): readonly Backend[] {
  return internalLocal ? local : cluster;
}

/** Backends of connections from outside, to all other addresses. */
export function externalBackends({ externalLocal, local, cluster }: ServicePort): readonly Backend[] {
  return externalLocal ? local : cluster;
}

function hasClusterIP({ spec }: Service): boolean {
  const { clusterIP = "", type } = spec ?? {};
  return type !== "ExternalName" && isIPv4(clusterIP);
}

/** What connects from outside has in common for all ports of a Service. */
function outside({ spec, status }: Service) {
  const isLoadBalancer = spec?.type === "LoadBalancer";
  const ingress = (isLoadBalancer && status?.loadBalancer?.ingress) || [];
  const isVip = ({ ip = "", ipMode = "VIP" }) => ipMode === "VIP" && isIPv4(ip);
  return {
    externalIPs: (spec?.externalIPs ?? []).filter(isIPv4),
    loadBalancerIPs: ingress.filter(isVip).map(({ ip }) => ip as string),
    sourceRanges: isLoadBalancer
      ? (spec?.loadBalancerSourceRanges ?? []).map((range) => range.trim()).filter((range) => !range.includes(":"))
      : [],
    internalLocal: spec?.internalTrafficPolicy === "Local",
    externalLocal: spec?.externalTrafficPolicy === "Local",
    healthCheckNodePort: (isLoadBalancer && spec?.healthCheckNodePort) || undefined,
  };
}

/** What a node has to forward, from the objects alone: the same objects give the same list, in the order of ids. */
export function servicePorts(
  services: readonly Service[],
  slices: readonly EndpointSlice[],
  here: Here,
): ServicePort[] {
  const slicesOf = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const service = slice.metadata.labels?.[serviceNameLabel];
    if (service === undefined) continue;
    const key = `${slice.metadata.namespace}/${service}`;
    const known = slicesOf.get(key);
    if (known === undefined) slicesOf.set(key, [slice]);
    else known.push(slice);
  }
  const ports: ServicePort[] = [];
  for (const service of services) {
    if (!hasClusterIP(service)) continue;
    const { spec, metadata } = service;
    const key = `${metadata.namespace}/${metadata.name}`;
    const common = outside(service);
    const hasNodePorts = spec?.type === "NodePort" || spec?.type === "LoadBalancer";
    for (const port of spec?.ports ?? []) {
      const protocol = (port.protocol ?? "TCP") as Protocol;
      ports.push({
        ...common,
        ...chooseBackends(endpointsOf(slicesOf.get(key) ?? [], port.name ?? "", protocol, here.node), here),
        id: `${key}/${protocol.toLowerCase()}/${port.name ?? ""}`,
        service: key,
        protocol,
        clusterIP: spec?.clusterIP as string,
        port: port.port,
        nodePort: hasNodePorts && port.nodePort ? port.nodePort : undefined,
        affinitySeconds:
          spec?.sessionAffinity === "ClientIP"
            ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinitySeconds)
            : undefined,
      });
    }
  }
  return ports.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}
