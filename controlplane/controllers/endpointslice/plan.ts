import type { DiscoveryEndpointPort, Endpoint, EndpointSlice, Service } from "../../api/mod.ts";
import { sameJson } from "../common/equality.ts";
import { type AddressType, addressTypesOf, type EndpointGroup, groupKey } from "./desired.ts";

export const serviceNameLabel = "kubernetes.io/service-name";
export const managedByLabel = "endpointslice.kubernetes.io/managed-by";
export const managedBy = "endpointslice-controller.k8s.io";
const headlessLabel = "service.kubernetes.io/headless";
export const triggerTimeAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";

/** A slice is what every proxy receives again when one endpoint of it changes. */
export const maxEndpoints = 100;

export interface NewSlice {
  readonly addressType: AddressType;
  readonly ports: readonly DiscoveryEndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export interface Plan {
  readonly create: readonly NewSlice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

/** The labels of a slice: the Service's own, and those that say what it is. */
export function sliceLabels(service: Service): Record<string, string> {
  const headless: Record<string, string> = service.spec.clusterIP === "None" ? { [headlessLabel]: "" } : {};
  return {
    ...service.metadata.labels,
    ...headless,
    [serviceNameLabel]: service.metadata.name,
    [managedByLabel]: managedBy,
  };
}

/**
 * The fewest writes that lead from what is to what should be: endpoints stay in their slice, changed ones are changed there, new ones
 * fill slices that are written anyway, then the fullest one with room for all, then new slices; empty ones go. One empty slice stays
 * for a Service without endpoints, so that watchers learn of its existence.
 */
export function plan(service: Service, groups: readonly EndpointGroup[], existing: readonly EndpointSlice[]): Plan {
  const labels = sliceLabels(service);
  const wanted = groups.length > 0 ? groups : placeholders(service);
  const create: NewSlice[] = [];
  const update: EndpointSlice[] = [];
  const remove: EndpointSlice[] = [];
  const keys = new Set(wanted.map((group) => groupKey(group.addressType, group.ports)));
  for (const slice of existing) if (!keys.has(groupKey(slice.addressType, slice.ports))) remove.push(slice);
  for (const group of wanted) {
    const key = groupKey(group.addressType, group.ports);
    const slices = existing.filter((slice) => groupKey(slice.addressType, slice.ports) === key);
    const step = planGroup(group, slices, labels);
    create.push(...step.create);
    update.push(...step.update);
    remove.push(...step.remove);
  }
  return { create, update, remove };
}

function placeholders(service: Service): EndpointGroup[] {
  return addressTypesOf(service).map((addressType) => ({ addressType, ports: [], endpoints: [] }));
}

interface Draft {
  readonly slice: EndpointSlice;
  endpoints: Endpoint[];
  changed: boolean;
}

function planGroup(group: EndpointGroup, slices: readonly EndpointSlice[], labels: Record<string, string>): Plan {
  const missing = new Map(group.endpoints.map((endpoint) => [identityOf(endpoint), endpoint]));
  const drafts = slices.map((slice) => keepWanted(slice, missing, labels));
  const left = [...missing.values()];
  // Slices that are written anyway take new ones for free.
  for (const draft of drafts.filter(({ changed }) => changed)) fill(draft, left);
  const rest = left.length % maxEndpoints;
  if (rest > 0) {
    const roomy = drafts
      .filter(({ changed, endpoints }) => !changed && endpoints.length + rest <= maxEndpoints)
      .sort((a, b) => b.endpoints.length - a.endpoints.length)[0];
    if (roomy !== undefined) fill(roomy, left);
  }
  const create: NewSlice[] = [];
  while (left.length > 0) {
    create.push({ addressType: group.addressType, ports: group.ports, endpoints: left.splice(0, maxEndpoints) });
  }
  const full = drafts.filter(({ endpoints }) => endpoints.length > 0);
  const empty = drafts.filter(({ endpoints }) => endpoints.length === 0);
  // The last empty one stays when the group has nothing at all.
  const nothing = full.length === 0 && create.length === 0;
  const [spared, ...useless] = nothing ? empty : [undefined, ...empty];
  if (nothing && spared === undefined)
    create.push({ addressType: group.addressType, ports: group.ports, endpoints: [] });
  const kept = spared === undefined ? full : [...full, spared];
  const update = kept
    .filter(({ changed }) => changed)
    .map(({ slice, endpoints }) => ({ ...slice, metadata: { ...slice.metadata, labels }, endpoints }));
  return { create, update, remove: useless.flatMap((draft) => (draft === undefined ? [] : [draft.slice])) };
}

/** What stays in this slice, up to date; takes it from `missing`. */
function keepWanted(slice: EndpointSlice, missing: Map<string, Endpoint>, labels: Record<string, string>): Draft {
  const endpoints: Endpoint[] = [];
  let changed = !sameJson(slice.metadata.labels, labels);
  for (const endpoint of slice.endpoints ?? []) {
    const wanted = missing.get(identityOf(endpoint));
    if (wanted === undefined || endpoints.length >= maxEndpoints) {
      changed = true;
      continue;
    }
    missing.delete(identityOf(endpoint));
    if (!sameJson(endpoint, wanted)) changed = true;
    endpoints.push(wanted);
  }
  return { slice, endpoints, changed };
}

function fill(draft: Draft, left: Endpoint[]): void {
  const moved = left.splice(0, maxEndpoints - draft.endpoints.length);
  if (moved.length === 0) return;
  draft.endpoints.push(...moved);
  draft.changed = true;
}

/** The same pod at the same address. */
function identityOf({ addresses, targetRef }: Endpoint): string {
  return `${targetRef?.uid ?? ""} ${addresses.join(",")}`;
}
