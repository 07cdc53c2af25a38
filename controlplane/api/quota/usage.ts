import { Quantity } from "../quantity/quantity.ts";
import type { KubeObject } from "../resources/resource.ts";
import { millisecondsOf } from "../schema/time.ts";
import { type GroupResource, qualified } from "../status.ts";
import type { PersistentVolumeClaim } from "../types/core/persistent-volume-claim.ts";
import type { Pod } from "../types/core/pod.ts";
import type { ResourceQuota } from "../types/core/quota.ts";
import type { Service } from "../types/core/service.ts";
import { type Amounts, addAmounts } from "./amounts.ts";
import { podTotals } from "./pod-totals.ts";
import { claimInScope, podInScope, scopesOf } from "./scopes.ts";

const one = Quantity.fromNumber(1);

/** Kinds whose number has a plain name too, from before there was `count/`. */
const plainCounts = new Set([
  "configmaps",
  "persistentvolumeclaims",
  "replicationcontrollers",
  "resourcequotas",
  "secrets",
  "services",
]);

/** What an object takes of a quota, by the names a quota uses. `nowMs`: milliseconds since 1970. */
export function quotaUsage(kind: GroupResource, object: KubeObject, nowMs: number): Amounts {
  const name = qualified(kind);
  const usage = new Map([[`count/${name}`, one]]);
  if (plainCounts.has(name)) usage.set(name, one);
  switch (name) {
    case "pods":
      return addAmounts(usage, podUsage(object as Pod, nowMs));
    case "services":
      return addAmounts(usage, serviceUsage(object as Service));
    case "persistentvolumeclaims":
      return addAmounts(usage, claimUsage(object as unknown as PersistentVolumeClaim));
    default:
      return usage;
  }
}

/** Which of a quota's names objects of this kind can count for. */
export function quotaNames(kind: GroupResource, names: Iterable<string>): string[] {
  const name = qualified(kind);
  const counted = (candidate: string): boolean => {
    if (candidate === `count/${name}` || (plainCounts.has(name) && candidate === name)) return true;
    switch (name) {
      case "pods":
        return isPodResource(candidate);
      case "services":
        return candidate === "services.nodeports" || candidate === "services.loadbalancers";
      case "persistentvolumeclaims":
        return candidate === "requests.storage" || candidate.includes(".storageclass.storage.k8s.io/");
      default:
        return false;
    }
  };
  return [...names].filter(counted);
}

/** Whether the quota is about this object: it limits something of its kind, and all its scopes hold. */
export function quotaMatches(
  quota: Pick<ResourceQuota, "spec" | "status">,
  kind: GroupResource,
  object: KubeObject,
): boolean {
  const limited = Object.keys(quota.status?.hard ?? quota.spec.hard ?? {});
  if (quotaNames(kind, limited).length === 0) return false;
  const name = qualified(kind);
  return scopesOf(quota).every((scope) => {
    if (name === "pods") return podInScope(object as Pod, scope);
    if (name === "persistentvolumeclaims") return claimInScope(object as unknown as PersistentVolumeClaim, scope);
    return false;
  });
}

const podResources = new Set(
  "pods cpu memory ephemeral-storage requests.cpu requests.memory requests.ephemeral-storage limits.cpu limits.memory limits.ephemeral-storage".split(
    " ",
  ),
);

function isPodResource(name: string): boolean {
  if (podResources.has(name) || name.startsWith("hugepages-") || name.startsWith("requests.hugepages-")) return true;
  // Resources that device plugins announce, such as requests.example.com/gpu.
  return name.startsWith("requests.") && isExtended(name.slice("requests.".length));
}

const isExtended = (resource: string) => resource.includes("/") && !/(^|\.)kubernetes\.io\//.test(resource);

/** What has ended, or should have, computes no more; it counts as an object as long as it is there. */
function podUsage(pod: Pod, nowMs: number): Map<string, Quantity> {
  const usage = new Map<string, Quantity>();
  const { phase } = pod.status ?? {};
  if (phase === "Succeeded" || phase === "Failed") return usage;
  const deletedAt = millisecondsOf(pod.metadata.deletionTimestamp ?? "");
  const graceMs = (pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000;
  if (deletedAt !== undefined && deletedAt + graceMs < nowMs) return usage;
  usage.set("pods", one);
  for (const [name, amount] of podTotals(pod.spec, "requests")) {
    const plain = name === "cpu" || name === "memory" || name === "ephemeral-storage" || name.startsWith("hugepages-");
    if (plain) usage.set(name, amount);
    if (plain || isExtended(name)) usage.set(`requests.${name}`, amount);
  }
  for (const [name, amount] of podTotals(pod.spec, "limits"))
    if (name === "cpu" || name === "memory" || name === "ephemeral-storage") usage.set(`limits.${name}`, amount);
  return usage;
}

function serviceUsage({ spec }: Service): Map<string, Quantity> {
  const ports = spec.ports ?? [];
  const balanced = spec.type === "LoadBalancer";
  const nodePorts =
    spec.type === "NodePort" || (balanced && spec.allocateLoadBalancerNodePorts !== false)
      ? ports.length
      : balanced
        ? ports.filter(({ nodePort }) => nodePort).length
        : 0;
  return new Map([
    ["services.nodeports", Quantity.fromNumber(nodePorts)],
    ["services.loadbalancers", Quantity.fromNumber(balanced ? 1 : 0)],
  ]);
}

function claimUsage({ metadata, spec, status }: PersistentVolumeClaim): Map<string, Quantity> {
  const usage = new Map<string, Quantity>();
  const asked = Quantity.of(spec.resources?.requests?.storage);
  const allocated = Quantity.of(status?.allocatedResources?.storage);
  const storage = allocated.compare(asked) > 0 ? allocated : asked;
  const storageClass = metadata.annotations?.["volume.beta.kubernetes.io/storage-class"] ?? spec.storageClassName ?? "";
  const ofClass = `${storageClass}.storageclass.storage.k8s.io/`;
  if (storageClass !== "") usage.set(`${ofClass}persistentvolumeclaims`, one);
  if (storage.isZero()) return usage;
  usage.set("requests.storage", storage);
  if (storageClass !== "") usage.set(`${ofClass}requests.storage`, storage);
  return usage;
}

/** Names of pods' resources that, once limited, every container must state. */
const mustBeStated = new Set(["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"]);

/** Limited resources and the containers that do not state them: such a pod could not be counted. */
export function unstatedResources({ spec }: Pod, limited: Iterable<string>): Map<string, string[]> {
  const missing = new Map<string, string[]>();
  const statedByPod = (name: string) => states(spec.resources, name);
  for (const name of [...limited].filter((candidate) => mustBeStated.has(candidate)).sort()) {
    if (statedByPod(name)) continue;
    const silent = [...spec.containers, ...(spec.initContainers ?? [])].filter(
      ({ resources }) => !states(resources, name),
    );
    if (silent.length > 0) missing.set(name, silent.map((container) => container.name).sort());
  }
  return missing;
}

type Requirements = {
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
};

function states(resources: Requirements | undefined, name: string): boolean {
  if (name.startsWith("limits.")) return resources?.limits?.[name.slice("limits.".length)] !== undefined;
  return resources?.requests?.[name.replace(/^requests\./, "")] !== undefined;
}
