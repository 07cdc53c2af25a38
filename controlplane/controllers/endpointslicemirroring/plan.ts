import { createHash } from "node:crypto";
import type {
  DiscoveryEndpointPort,
  Endpoint,
  EndpointAddress,
  EndpointSlice,
  EndpointSubset,
  Endpoints,
  Service,
} from "../../api/mod.ts";
import { groupKey } from "../endpointslice/desired.ts";
import { endpointsManagedByLabel } from "../endpointslice/endpoints.ts";
import { managedByLabel, serviceNameLabel } from "../endpointslice/plan.ts";

export const mirroredBy = "endpointslicemirroring-controller.k8s.io";
const skipLabel = "endpointslice.kubernetes.io/skip-mirror";
const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader";
/** More addresses of a subset than this are left out, as in the original. */
const maxAddresses = 1000;

/** Endpoints that somebody wrote by hand for a Service without a selector. */
export function isMirrored({ metadata }: Endpoints, service: Service | undefined): boolean {
  if (service === undefined || service.metadata.deletionTimestamp !== undefined) return false;
  if (Object.keys(service.spec.selector ?? {}).length > 0 || service.spec.type === "ExternalName") return false;
  const { labels = {}, annotations = {}, deletionTimestamp } = metadata;
  if (deletionTimestamp !== undefined || labels[skipLabel] === "true") return false;
  return annotations[leaderAnnotation] === undefined && labels[endpointsManagedByLabel] === undefined;
}

interface Slice {
  readonly metadata: EndpointSlice["metadata"];
  readonly addressType: EndpointSlice["addressType"];
  readonly ports: DiscoveryEndpointPort[];
  readonly endpoints: Endpoint[];
}

/** The slices that say the same: one for each family and set of ports, with a name that follows from those. */
export function mirror({ metadata, subsets = [] }: Endpoints, service: Service): Slice[] {
  const slices = new Map<string, Slice>();
  const headless: Record<string, string> =
    service.spec.clusterIP === "None" ? { "service.kubernetes.io/headless": "" } : {};
  const labels = {
    ...metadata.labels,
    ...headless,
    [serviceNameLabel]: metadata.name ?? "",
    [managedByLabel]: mirroredBy,
  };
  for (const subset of subsets) {
    const ports = portsOf(subset);
    for (const { ready, address } of addressesOf(subset)) {
      const addressType = address.ip.includes(":") ? "IPv6" : "IPv4";
      const key = groupKey(addressType, ports);
      const suffix = createHash("sha256").update(key).digest("hex").slice(0, 10);
      const name = `${metadata.name}-${suffix}`;
      const slice: Slice = slices.get(key) ?? {
        metadata: { name, namespace: metadata.namespace, labels },
        addressType,
        ports,
        endpoints: [],
      };
      slices.set(key, slice);
      slice.endpoints.push(endpointOf(address, ready));
    }
  }
  return [...slices.values()];
}

function portsOf({ ports = [] }: EndpointSubset) {
  return ports.map(({ name = "", port, protocol = "TCP", appProtocol }) => ({
    name,
    port,
    protocol,
    ...(appProtocol === undefined ? {} : { appProtocol }),
  }));
}

function addressesOf({ addresses = [], notReadyAddresses = [] }: EndpointSubset) {
  const all = [
    ...addresses.map((address) => ({ ready: true, address })),
    ...notReadyAddresses.map((address) => ({ ready: false, address })),
  ];
  return all.slice(0, maxAddresses);
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    ...(targetRef === undefined ? {} : { targetRef }),
  };
}
