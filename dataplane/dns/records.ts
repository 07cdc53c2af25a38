import { isIPv4, isIPv6 } from "node:net";
import type { Endpoint, EndpointSlice, Service } from "../../controlplane/api/mod.ts";
import { addressOfReverseName, canonical, dashed, labelsBelow, undashed } from "./names.ts";
import { clusterIPs, serviceNameLabel, type World } from "./world.ts";

/** One resource record without its owner: the name that was asked for. */
export type ResourceRecord =
  | { readonly type: "A" | "AAAA" | "CNAME" | "NS" | "PTR"; readonly data: string }
  | { readonly type: "TXT"; readonly data: string }
  | { readonly type: "SRV"; readonly data: SrvData }
  | { readonly type: "SOA"; readonly data: SoaData };

export interface SrvData {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

export interface SoaData {
  readonly mname: string;
  readonly rname: string;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
}

/** Version of the specification of Kubernetes' DNS that the records follow. */
export const specificationVersion = "1.1.0";

/** Seconds for which answers, and the absence of one, may be kept. */
export const ttlSeconds = 5;

export function startOfAuthority(zone: string): ResourceRecord {
  const data: SoaData = {
    mname: `ns.dns.${zone}`,
    rname: `hostmaster.${zone}`,
    // There are no secondaries that would compare serials.
    serial: 1,
    refresh: 7200,
    retry: 1800,
    expire: 86_400,
    minimum: ttlSeconds,
  };
  return { type: "SOA", data };
}

interface PublishedEndpoint {
  readonly hostname: string;
  readonly addresses: readonly ResourceRecord[];
  readonly ports: EndpointSlice["ports"];
}

function address(value: string): ResourceRecord[] {
  if (isIPv4(value)) return [{ type: "A", data: value }];
  return isIPv6(value) ? [{ type: "AAAA", data: value }] : [];
}

const isHeadless = ({ spec }: Service) => spec?.type !== "ExternalName" && spec?.clusterIP === "None";

function hostnameOf({ hostname, addresses }: Endpoint): string {
  return (hostname || dashed(addresses[0] ?? "")).toLowerCase();
}

function isPublished(service: Service, { conditions }: Endpoint): boolean {
  // An unknown readiness is read as ready (EndpointConditions of discovery.k8s.io/v1).
  return conditions?.ready !== false || service.spec?.publishNotReadyAddresses === true;
}

function publishedEndpoints(world: World, service: Service): PublishedEndpoint[] {
  const { namespace = "", name = "" } = service.metadata;
  return world
    .slicesOf(namespace, name)
    .filter(({ addressType }) => addressType !== "FQDN")
    .flatMap(({ endpoints = [], ports }) =>
      endpoints
        .filter((endpoint) => isPublished(service, endpoint))
        .map((endpoint) => {
          // Of several addresses of one endpoint only the first is used (discovery.k8s.io/v1).
          return { hostname: hostnameOf(endpoint), addresses: address(endpoint.addresses[0] ?? ""), ports };
        }),
    );
}

/** Two slices may hold the same endpoint while one is being split; a record set has no record twice (RFC 2181 §5). */
function distinct(records: readonly ResourceRecord[]): ResourceRecord[] {
  return [...new Map(records.map((record) => [JSON.stringify(record), record])).values()];
}

/** A name nobody has records at does not exist, nor do the names above it that are there only for it. */
const unlessEmpty = (records: readonly ResourceRecord[]) => (records.length > 0 ? records : undefined);

/** `_port._proto`, or `_proto` alone: a name that exists because there are names below it. */
function serviceLocations(
  world: World,
  service: Service,
  domain: string,
  [portLabel, protocolLabel]: readonly [string | undefined, string],
): readonly ResourceRecord[] | undefined {
  const matches = ({ name, protocol = "TCP" }: { name?: string; protocol?: string }) =>
    name !== undefined &&
    name !== "" &&
    protocolLabel === `_${protocol.toLowerCase()}` &&
    (portLabel === undefined || portLabel === `_${name.toLowerCase()}`);
  const targets = isHeadless(service)
    ? publishedEndpoints(world, service).flatMap(({ hostname, ports = [] }) =>
        ports.filter(matches).map(({ port }) => ({ port: port ?? 0, target: `${hostname}.${domain}` })),
      )
    : (service.spec?.ports ?? []).filter(matches).map(({ port }) => ({ port, target: domain }));
  if (targets.length === 0) return undefined;
  if (portLabel === undefined) return [];
  return distinct(targets.map((target) => ({ type: "SRV", data: { priority: 0, weight: 100, ...target } })));
}

/** Records at `labels`.service.namespace.svc.zone. */
function ofService(
  world: World,
  service: Service,
  domain: string,
  labels: readonly string[],
): readonly ResourceRecord[] | undefined {
  const [first, second] = labels;
  if (service.spec?.type === "ExternalName") {
    const { externalName } = service.spec;
    return first === undefined && externalName ? [{ type: "CNAME", data: canonical(externalName) }] : undefined;
  }
  if (first === undefined) {
    if (!isHeadless(service)) return unlessEmpty(clusterIPs(service).flatMap(address));
    return unlessEmpty(distinct(publishedEndpoints(world, service).flatMap((endpoint) => endpoint.addresses)));
  }
  if (labels.length > 2) return undefined;
  if (second !== undefined) return serviceLocations(world, service, domain, [first, second]);
  if (first.startsWith("_")) return serviceLocations(world, service, domain, [undefined, first]);
  if (!isHeadless(service)) return undefined;
  const named = publishedEndpoints(world, service).filter(({ hostname }) => hostname === first);
  return unlessEmpty(distinct(named.flatMap((endpoint) => endpoint.addresses)));
}

function underSvc(world: World, zone: string, labels: readonly string[]): readonly ResourceRecord[] | undefined {
  const namespace = labels.at(-1);
  const name = labels.at(-2);
  if (namespace === undefined) return [];
  if (!world.hasNamespace(namespace)) return undefined;
  if (name === undefined) return [];
  const service = world.service(namespace, name);
  if (service === undefined) return undefined;
  return ofService(world, service, `${name}.${namespace}.svc.${zone}`, labels.slice(0, -2));
}

/** Any address has a name in any namespace, as in CoreDNS' mode "insecure": nothing is to be learnt from the answer. */
function underPod(world: World, labels: readonly string[]): readonly ResourceRecord[] | undefined {
  const namespace = labels.at(-1);
  const spelled = labels.at(-2);
  if (namespace === undefined) return [];
  if (!world.hasNamespace(namespace) || labels.length > 2) return undefined;
  if (spelled === undefined) return [];
  const found = undashed(spelled);
  return found === undefined ? undefined : address(found);
}

/**
 * All records at a canonical name of the cluster's zone: empty where only names below it have any, undefined where there is no such name.
 * `serverAddress` is the zone's name server. Source: the specification of Kubernetes' DNS-based service discovery, and CoreDNS for pods.
 */
export function recordsAt(
  world: World,
  zone: string,
  serverAddress: string,
  name: string,
): readonly ResourceRecord[] | undefined {
  const labels = labelsBelow(name, zone);
  if (labels === undefined) return undefined;
  const rest = labels.slice(0, -1);
  switch (labels.at(-1)) {
    case undefined:
      return [startOfAuthority(zone), { type: "NS", data: `ns.dns.${zone}` }];
    case "svc":
      return underSvc(world, zone, rest);
    case "pod":
      return underPod(world, rest);
    case "dns":
      if (rest.length === 0) return [];
      return rest.length === 1 && rest[0] === "ns" ? address(serverAddress) : undefined;
    case "dns-version":
      return rest.length === 0 ? [{ type: "TXT", data: specificationVersion }] : undefined;
    default:
      return undefined;
  }
}

/** The names of an address, when it is a Service's or an endpoint's of a headless Service; undefined when it has none. */
export function pointersAt(world: World, zone: string, name: string): readonly ResourceRecord[] | undefined {
  const wanted = addressOfReverseName(name);
  if (wanted === undefined) return undefined;
  const services = world
    .servicesAt(wanted)
    .map(
      ({ metadata }): ResourceRecord => ({ type: "PTR", data: `${metadata.name}.${metadata.namespace}.svc.${zone}` }),
    );
  if (services.length > 0) return services;
  const endpoints = world.slicesAt(wanted).flatMap(({ metadata, endpoints = [] }) => {
    const { namespace = "", labels } = metadata;
    const service = world.service(namespace, labels?.[serviceNameLabel] ?? "");
    if (service === undefined || !isHeadless(service)) return [];
    return endpoints
      .filter((endpoint) => endpoint.addresses[0] === wanted && isPublished(service, endpoint))
      .map((endpoint): ResourceRecord => {
        const data = `${hostnameOf(endpoint)}.${service.metadata.name}.${namespace}.svc.${zone}`;
        return { type: "PTR", data };
      });
  });
  return unlessEmpty(distinct(endpoints));
}
