import { type Pod, Quantity } from "../../../controlplane/api/mod.ts";
import { refOf } from "../pod/pod-ref.ts";
import { podRequests } from "../pod/resources.ts";
import { isStatic } from "../staticpods/manifest.ts";
import { localStorageBytes, type NodeSample, type PodSample } from "../stats/node-sample.ts";
import type { Signal } from "./thresholds.ts";

/** What eviction names in its messages and what it counts. */
export type Starved = "memory" | "ephemeral-storage" | "inodes" | "pids";

export const starvedBy: Readonly<Record<Signal, Starved>> = {
  "memory.available": "memory",
  "nodefs.available": "ephemeral-storage",
  "nodefs.inodesFree": "inodes",
  "imagefs.available": "ephemeral-storage",
  "imagefs.inodesFree": "inodes",
  "pid.available": "pids",
};

const criticalPriority = 2_000_000_000;

/** Whom a node cannot do without: static pods and those of system priority. They are neither evicted nor refused. */
export function isCritical(pod: Pod): boolean {
  return isStatic(pod) || (pod.spec.priority ?? 0) >= criticalPriority;
}

/** Usage of a pod, and what it may count on. */
export function usageOf(
  resource: Starved,
  pod: Pod,
  sample: PodSample | undefined,
): { used: number; requested: number } {
  switch (resource) {
    case "memory":
      return { used: sample?.memory.workingSetBytes ?? 0, requested: podRequests(pod).memory };
    case "ephemeral-storage": {
      const requested = pod.spec.containers
        .map(({ resources }) => Quantity.of(resources?.requests?.["ephemeral-storage"]).value())
        .reduce((a, b) => a + b, 0);
      return { used: sample === undefined ? 0 : localStorageBytes(sample), requested };
    }
    case "inodes":
      return { used: sample === undefined ? 0 : inodesOf(sample), requested: 0 };
    case "pids":
      return { used: 0, requested: 0 };
  }
}

function inodesOf({ containers, volumes }: PodSample): number {
  const counts = [
    ...containers.map(({ rootfs, logs }) => (rootfs?.inodesUsed ?? 0) + logs.inodesUsed),
    ...volumes.map(({ inodesUsed }) => inodesUsed),
  ];
  return counts.reduce((a, b) => a + b, 0);
}

/** The order in which pods go: who uses more than it asked for, then who matters least, then who uses most beyond its request (eviction/helpers.go). */
export function rank(resource: Starved, pods: readonly Pod[], sample: NodeSample): Pod[] {
  const samples = new Map(sample.pods.map((one) => [one.uid, one]));
  const judged = pods.map((pod) => {
    const { used, requested } = usageOf(resource, pod, samples.get(refOf(pod).uid));
    return { pod, exceeds: used > requested, excess: used - requested, priority: pod.spec.priority ?? 0 };
  });
  // Nobody asks for processes: there only priority says who goes first.
  const byExcess = resource !== "pids" && resource !== "inodes";
  return judged
    .sort(
      (a, b) =>
        (byExcess ? Number(b.exceeds) - Number(a.exceeds) : 0) || a.priority - b.priority || b.excess - a.excess,
    )
    .map(({ pod }) => pod);
}
