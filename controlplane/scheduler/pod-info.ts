import type { Container, Pod, PreferredSchedulingTerm, Toleration } from "../api/mod.ts";
import { keyOf } from "../client/mod.ts";
import { type ResourceAmounts, resourceAmounts } from "./resource-amounts.ts";

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
  readonly priority: number;
  readonly requests: ResourceAmounts;
  readonly nonZeroRequests: { readonly cpu: number; readonly memory: number };
  readonly hostPorts: readonly HostPort[];
  readonly tolerations: readonly Toleration[];
  readonly preferredNodeTerms: readonly PreferredSchedulingTerm[];
  readonly images: readonly string[];
}

export function hostPortsOf(pod: Pod): HostPort[] {
  return (pod.spec?.containers ?? []).flatMap((container) =>
    (container.ports ?? [])
      .filter((port) => port.hostPort)
      .map((port) => ({
        address: port.hostIP || "0.0.0.0",
        port: port.hostPort as number,
        protocol: port.protocol || "TCP",
      })),
  );
}

type Requests = (container: Container) => ResourceAmounts;

function add(sum: Map<string, number>, amounts: ResourceAmounts): void {
  for (const [resource, amount] of amounts) sum.set(resource, (sum.get(resource) ?? 0) + amount);
}

/**
 * The most a pod needs at any moment: all containers and side-cars together, or one init container with the side-cars
 * that started before it; plus the overhead of its runtime (the original's resource helpers, PodRequests).
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
  add(total, resourceAmounts(pod.spec?.overhead));
  return total;
}

export function podInfo(pod: Pod): PodInfo {
  const nonZero = podRequests(pod, (container) => {
    const requests = new Map(resourceAmounts(container.resources?.requests));
    for (const resource of ["cpu", "memory"] as const) {
      if (!requests.has(resource)) requests.set(resource, assumedRequest[resource]);
    }
    return requests;
  });
  const { containers = [], initContainers = [], tolerations = [], affinity } = pod.spec ?? {};
  return {
    key: keyOf(pod),
    pod,
    priority: pod.spec?.priority ?? 0,
    requests: podRequests(pod),
    nonZeroRequests: { cpu: nonZero.get("cpu") ?? 0, memory: nonZero.get("memory") ?? 0 },
    hostPorts: hostPortsOf(pod),
    tolerations,
    preferredNodeTerms: affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [],
    images: [...initContainers, ...containers].map((container) => container.image ?? ""),
  };
}
