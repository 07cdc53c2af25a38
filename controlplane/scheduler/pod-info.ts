import type { Container, Labels, Pod, PreferredSchedulingTerm, Toleration } from "../api/mod.ts";
import { keyOf } from "../client/mod.ts";
import { type AffinityTerm, affinityTerm, type WeightedAffinityTerm } from "./affinity-term.ts";
import { type ResourceAmounts, resourceAmounts } from "./resource-amounts.ts";
import { Resources } from "./resources.ts";

export interface HostPort {
  readonly address: string;
  readonly port: number;
  readonly protocol: string;
}

/** What scoring takes for a container that requests nothing: 0.1 CPU and 200 MiB. */
const assumedRequest = { cpu: 100, memory: 200 * 1024 * 1024 } as const;

/** A pod with what the plugins ask of it again and again, worked out once. */
export interface PodInfo {
  readonly key: string;
  readonly pod: Pod;
  readonly namespace: string;
  readonly labels: Labels;
  readonly priority: number;
  readonly requests: Resources;
  readonly nonZeroRequests: { readonly cpu: number; readonly memory: number };
  readonly hostPorts: readonly HostPort[];
  readonly tolerations: readonly Toleration[];
  readonly preferredNodeTerms: readonly PreferredSchedulingTerm[];
  readonly requiredAffinity: readonly AffinityTerm[];
  readonly requiredAntiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly WeightedAffinityTerm[];
  readonly preferredAntiAffinity: readonly WeightedAffinityTerm[];
  readonly hasAffinity: boolean;
  readonly images: readonly string[];
  /** Names of its claims, those of its ephemeral volumes among them. */
  readonly claims: readonly string[];
}

/** Ports of the node itself that the pod takes, its side-cars' too. */
export function hostPortsOf(pod: Pod): HostPort[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter((container) => container.restartPolicy === "Always");
  const ports: HostPort[] = [];
  for (const container of [...(pod.spec?.containers ?? []), ...sidecars]) {
    for (const { hostPort, hostIP, protocol } of container.ports ?? []) {
      if (hostPort) ports.push({ address: hostIP || "0.0.0.0", port: hostPort, protocol: protocol || "TCP" });
    }
  }
  return ports;
}

/** Names of claims in the pod's namespace; an ephemeral volume's is `POD-VOLUME`. */
export function claimsOf(pod: Pod): string[] {
  const names: string[] = [];
  for (const volume of pod.spec?.volumes ?? []) {
    if (volume.persistentVolumeClaim !== undefined) names.push(volume.persistentVolumeClaim.claimName);
    else if (volume.ephemeral !== undefined) names.push(`${pod.metadata.name}-${volume.name}`);
  }
  return names;
}

type Requests = (container: Container) => ResourceAmounts;

function add(sum: Map<string, number>, amounts: ResourceAmounts): void {
  for (const [resource, amount] of amounts) sum.set(resource, (sum.get(resource) ?? 0) + amount);
}

/** What may be requested for a pod as a whole. */
function isPodLevel(resource: string): boolean {
  return resource === "cpu" || resource === "memory" || resource.startsWith("hugepages-");
}

/**
 * The most a pod needs at any moment: all containers and side-cars together, or one init container with the side-cars that started before
 * it; what is requested for the pod as a whole counts instead; plus the overhead of its runtime (component-helpers/resource, PodRequests).
 */
export function podRequests(
  pod: Pod,
  requestsOf: Requests = (c) => resourceAmounts(c.resources?.requests),
): ResourceAmounts {
  const total = new Map<string, number>();
  for (const container of pod.spec?.containers ?? []) add(total, requestsOf(container));
  const sidecars = new Map<string, number>();
  const peak = new Map<string, number>();
  for (const container of pod.spec?.initContainers ?? []) {
    const requests = requestsOf(container);
    if (container.restartPolicy === "Always") {
      add(sidecars, requests);
      add(total, requests);
    }
    const atThisStep = new Map(sidecars);
    if (container.restartPolicy !== "Always") add(atThisStep, requests);
    for (const [resource, amount] of atThisStep) peak.set(resource, Math.max(peak.get(resource) ?? 0, amount));
  }
  for (const [resource, amount] of peak) total.set(resource, Math.max(total.get(resource) ?? 0, amount));
  for (const [resource, amount] of resourceAmounts(pod.spec?.resources?.requests)) {
    if (isPodLevel(resource)) total.set(resource, amount);
  }
  add(total, resourceAmounts(pod.spec?.overhead));
  return total;
}

function nonZeroRequestsOf(pod: Pod): PodInfo["nonZeroRequests"] {
  const amounts = podRequests(pod, (container) => {
    const requests = new Map(resourceAmounts(container.resources?.requests));
    for (const resource of ["cpu", "memory"] as const) {
      if (!requests.has(resource)) requests.set(resource, assumedRequest[resource]);
    }
    return requests;
  });
  return { cpu: amounts.get("cpu") ?? 0, memory: amounts.get("memory") ?? 0 };
}

function imagesOf(pod: Pod): string[] {
  const { containers = [], initContainers = [], volumes = [] } = pod.spec ?? {};
  const images = [...initContainers, ...containers].map((container) => container.image ?? "");
  for (const { image } of volumes) if (image !== undefined) images.push(image.reference ?? "");
  return images;
}

export function podInfo(pod: Pod): PodInfo {
  const { tolerations = [], affinity = {} } = pod.spec ?? {};
  const { nodeAffinity, podAffinity, podAntiAffinity } = affinity;
  const required = (terms: typeof podAffinity) =>
    (terms?.requiredDuringSchedulingIgnoredDuringExecution ?? []).map((term) => affinityTerm(pod, term));
  const preferred = (terms: typeof podAffinity) =>
    (terms?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ weight, podAffinityTerm }) => ({
      ...affinityTerm(pod, podAffinityTerm),
      weight,
    }));
  return {
    key: keyOf(pod),
    pod,
    namespace: pod.metadata.namespace ?? "",
    labels: pod.metadata.labels,
    priority: pod.spec?.priority ?? 0,
    requests: Resources.of(podRequests(pod)),
    nonZeroRequests: nonZeroRequestsOf(pod),
    hostPorts: hostPortsOf(pod),
    tolerations,
    preferredNodeTerms: nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [],
    requiredAffinity: required(podAffinity),
    requiredAntiAffinity: required(podAntiAffinity),
    preferredAffinity: preferred(podAffinity),
    preferredAntiAffinity: preferred(podAntiAffinity),
    hasAffinity: podAffinity !== undefined || podAntiAffinity !== undefined,
    images: imagesOf(pod),
    claims: claimsOf(pod),
  };
}
