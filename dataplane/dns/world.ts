import type { EndpointSlice, Namespace, Service } from "../../controlplane/api/mod.ts";
import type { IndexFunction, Lister } from "../../controlplane/client/mod.ts";

/** What names are made of. */
export interface World {
  hasNamespace(name: string): boolean;
  service(namespace: string, name: string): Service | undefined;
  slicesOf(namespace: string, service: string): readonly EndpointSlice[];
  /** Those with this cluster IP. */
  servicesAt(address: string): readonly Service[];
  /** Those with an endpoint of this address. */
  slicesAt(address: string): readonly EndpointSlice[];
}

export const serviceNameLabel = "kubernetes.io/service-name";

const byService = "service";
const byAddress = "address";

const serviceOfSlice: IndexFunction<EndpointSlice> = ({ metadata }) => {
  const service = metadata.labels?.[serviceNameLabel];
  return service === undefined ? [] : [`${metadata.namespace}/${service}`];
};
const addressesOfSlice: IndexFunction<EndpointSlice> = ({ endpoints }) => [
  ...new Set((endpoints ?? []).flatMap(({ addresses }) => addresses)),
];

/** The addresses of a Service itself: none for a headless one and for one that is a name elsewhere. */
export function clusterIPs({ spec }: Service): readonly string[] {
  if (spec?.type === "ExternalName") return [];
  const all = spec?.clusterIPs?.length ? spec.clusterIPs : [spec?.clusterIP ?? ""];
  return all.filter((address) => address !== "" && address !== "None");
}

interface Indexed<T> {
  addIndex(name: string, values: IndexFunction<T>): void;
}

/** Must be called before the first question, once for each store or informer that is asked. */
export function addIndexes(services: Indexed<Service>, slices: Indexed<EndpointSlice>): void {
  services.addIndex(byAddress, clusterIPs);
  slices.addIndex(byService, serviceOfSlice);
  slices.addIndex(byAddress, addressesOfSlice);
}

export function worldOf(
  namespaces: Lister<Namespace>,
  services: Lister<Service>,
  slices: Lister<EndpointSlice>,
): World {
  return {
    hasNamespace: (name) => namespaces.get(undefined, name) !== undefined,
    service: (namespace, name) => services.get(namespace, name),
    slicesOf: (namespace, service) => slices.byIndex(byService, `${namespace}/${service}`),
    servicesAt: (address) => services.byIndex(byAddress, address),
    slicesAt: (address) => slices.byIndex(byAddress, address),
  };
}
