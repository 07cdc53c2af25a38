import type { EndpointAddress, EndpointPort, EndpointSubset, Pod, Service } from "../../api/mod.ts";
import { canonicalJson } from "../common/equality.ts";
import { isReady, isTerminal } from "../common/pods.ts";
import { addressOf, addressTypesOf, targetPort } from "./desired.ts";

/** More addresses than this do not fit: the object is marked as truncated. */
export const maxAddresses = 1000;
export const overCapacityAnnotation = "endpoints.kubernetes.io/over-capacity";
export const endpointsManagedByLabel = "endpoints.kubernetes.io/managed-by";
export const endpointsManagedBy = "endpoint-controller";

export interface DesiredEndpoints {
  readonly subsets: EndpointSubset[];
  readonly truncated: boolean;
}

/** The older form of a Service's addresses, still read by many: ready and unready ones, by their ports. */
export function desiredEndpoints(service: Service, pods: readonly Pod[]): DesiredEndpoints {
  const [family = "IPv4"] = addressTypesOf(service);
  const unreadyToo = service.spec.publishNotReadyAddresses === true;
  const subsets = new Map<
    string,
    { addresses: EndpointAddress[]; unready: EndpointAddress[]; ports: EndpointPort[] }
  >();
  let count = 0;
  let truncated = false;
  for (const pod of [...pods].sort(byAddress)) {
    const ip = addressOf(pod, family);
    const leaving = pod.metadata.deletionTimestamp !== undefined && !unreadyToo;
    if (ip === undefined || isTerminal(pod) || leaving) continue;
    // Pods that are plain processes have loopback addresses, which this form does not take; slices have them.
    if (ip.startsWith("127.")) continue;
    const ports = portsFor(service, pod);
    // A Service with ports, none of which this pod has, does not lead to it.
    if (ports.length === 0 && (service.spec.ports ?? []).length > 0) continue;
    if (++count > maxAddresses) {
      truncated = true;
      break;
    }
    const key = canonicalJson(ports);
    const subset = subsets.get(key) ?? { addresses: [], unready: [], ports };
    subsets.set(key, subset);
    (isReady(pod) || unreadyToo ? subset.addresses : subset.unready).push(addressFor(service, pod, ip));
  }
  const found = [...subsets.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, subset]) => subset);
  return {
    truncated,
    subsets: found.map(({ addresses, unready, ports }) => ({
      ...(addresses.length > 0 ? { addresses } : {}),
      ...(unready.length > 0 ? { notReadyAddresses: unready } : {}),
      ...(ports.length > 0 ? { ports } : {}),
    })),
  };
}

function portsFor(service: Service, pod: Pod): EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetPort(port, pod);
    if (number === undefined) return [];
    const { name, protocol = "TCP", appProtocol } = port;
    return [
      { ...(name ? { name } : {}), port: number, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) },
    ];
  });
}

function addressFor(service: Service, pod: Pod, ip: string): EndpointAddress {
  const { namespace, name, uid } = pod.metadata;
  const { nodeName, hostname, subdomain } = pod.spec;
  return {
    ip,
    ...(hostname && subdomain === service.metadata.name ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: "Pod", namespace, name, uid },
  };
}

function byAddress(a: Pod, b: Pod): number {
  const [x = "", y = ""] = [a.status?.podIP, b.status?.podIP];
  return x < y ? -1 : x > y ? 1 : 0;
}
