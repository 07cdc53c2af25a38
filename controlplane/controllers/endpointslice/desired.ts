import type { DiscoveryEndpointPort, Endpoint, EndpointHints, Node, Pod, Service, ServicePort } from "../../api/mod.ts";
import { canonicalJson } from "../common/equality.ts";
import { isReady, isTerminal } from "../common/pods.ts";

export type AddressType = "IPv4" | "IPv6";

/** Endpoints that share address family and port numbers: only such ones fit into one slice. */
export interface EndpointGroup {
  readonly addressType: AddressType;
  readonly ports: readonly DiscoveryEndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

const zoneLabel = "topology.kubernetes.io/zone";

/** Text that equals for groups that fit together. */
export function groupKey(addressType: string, ports: readonly DiscoveryEndpointPort[] = []): string {
  const sorted = [...ports].sort((a, b) => ((a.name ?? "") < (b.name ?? "") ? -1 : 1));
  return `${addressType} ${canonicalJson(sorted)}`;
}

/** The port of this pod that a Service port leads to; undefined when the pod has no port of that name. */
export function targetPort(port: ServicePort, pod: Pod): number | undefined {
  const { targetPort: target = port.port, protocol = "TCP" } = port;
  if (typeof target === "number") return target === 0 ? port.port : target;
  if (target === "") return port.port;
  const sidecars = (pod.spec.initContainers ?? []).filter((container) => container.restartPolicy === "Always");
  for (const container of [...pod.spec.containers, ...sidecars]) {
    const named = container.ports?.find((it) => it.name === target && (it.protocol ?? "TCP") === protocol);
    if (named !== undefined) return named.containerPort;
  }
  return undefined;
}

export function addressTypesOf(service: Service): AddressType[] {
  const families = service.spec.ipFamilies ?? [];
  return families.length > 0 ? families.map((family) => (family === "IPv6" ? "IPv6" : "IPv4")) : ["IPv4"];
}

export function addressOf(pod: Pod, addressType: AddressType): string | undefined {
  const { podIP, podIPs = [] } = pod.status ?? {};
  const all = podIPs.length > 0 ? podIPs.map(({ ip }) => ip) : [podIP ?? ""];
  return all.find((ip) => ip !== "" && ip.includes(":") === (addressType === "IPv6"));
}

/** What the Service's slices should hold together, one group per family and set of ports. */
export function desiredGroups(
  service: Service,
  pods: readonly Pod[],
  nodeOf: (name: string) => Node | undefined,
): EndpointGroup[] {
  const groups = new Map<string, { addressType: AddressType; ports: DiscoveryEndpointPort[]; endpoints: Endpoint[] }>();
  for (const addressType of addressTypesOf(service)) {
    for (const pod of pods) {
      const address = addressOf(pod, addressType);
      if (address === undefined || isTerminal(pod)) continue;
      const ports = portsFor(service, pod);
      const key = groupKey(addressType, ports);
      const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
      groups.set(key, group);
      group.endpoints.push(endpointFor(service, pod, address, nodeOf));
    }
  }
  return [...groups.values()];
}

function portsFor(service: Service, pod: Pod): DiscoveryEndpointPort[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetPort(port, pod);
    if (number === undefined) return [];
    const { name = "", protocol = "TCP", appProtocol } = port;
    return [{ name, port: number, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

function endpointFor(
  service: Service,
  pod: Pod,
  address: string,
  nodeOf: (name: string) => Node | undefined,
): Endpoint {
  const { namespace, name, uid, deletionTimestamp } = pod.metadata;
  const { nodeName, hostname, subdomain } = pod.spec;
  const serving = isReady(pod);
  const terminating = deletionTimestamp !== undefined;
  const zone = nodeName === undefined ? undefined : nodeOf(nodeName)?.metadata.labels?.[zoneLabel];
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const hints = ready ? hintsFor(service.spec.trafficDistribution, nodeName, zone) : undefined;
  return {
    addresses: [address],
    // A terminating pod may still serve, yet gets no new traffic unless there is nobody else.
    conditions: {
      ready,
      serving,
      terminating,
    },
    ...(hostname && subdomain === service.metadata.name ? { hostname } : {}),
    targetRef: { kind: "Pod", namespace, name, uid },
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(zone === undefined ? {} : { zone }),
    ...(hints === undefined ? {} : { hints }),
  };
}

/** Whose clients should come here: those nearest to it. */
function hintsFor(
  distribution: string | undefined,
  nodeName: string | undefined,
  zone: string | undefined,
): EndpointHints | undefined {
  const near = distribution === "PreferClose" || distribution === "PreferSameZone" || distribution === "PreferSameNode";
  if (!near) return undefined;
  const forZones = zone === undefined ? {} : { forZones: [{ name: zone }] };
  const sameNode = distribution === "PreferSameNode" && nodeName !== undefined;
  const forNodes = sameNode ? { forNodes: [{ name: nodeName }] } : {};
  const hints = { ...forZones, ...forNodes };
  return Object.keys(hints).length === 0 ? undefined : hints;
}
