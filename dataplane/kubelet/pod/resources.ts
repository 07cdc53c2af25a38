import { type Container, type Pod, Quantity } from "../../../controlplane/api/mod.ts";
import type { LinuxContainerResources } from "../runtime/cri.ts";
import { isSidecar } from "./pod-ref.ts";
import { type QosClass, qosClass } from "./qos.ts";

const periodMicroseconds = 100_000;

export function cpuShares(milliCpu: number): number {
  return Math.min(262_144, Math.max(2, Math.floor((milliCpu * 1024) / 1000)));
}

/** Microseconds a period; the kernel takes no less than one millisecond. */
export function cpuQuota(milliCpu: number): number {
  return Math.max(1000, Math.floor((milliCpu * periodMicroseconds) / 1000));
}

/** What a container's control group is told. Without a request its limit stands in for it. */
export function containerResources(
  pod: Pod,
  container: Container,
  memoryCapacityBytes: number,
): LinuxContainerResources {
  const { requests = {} } = container.resources ?? {};
  return {
    ...limitsOf(container),
    oomScoreAdj: oomScoreAdjust(
      qosClass(pod),
      Quantity.of(requests.memory).value(),
      memoryCapacityBytes,
      pod.spec.priority ?? 0,
    ),
  };
}

/** The part of it that can change while the container runs. */
export function limitsOf({ resources }: Container): LinuxContainerResources {
  const { requests = {}, limits = {} } = resources ?? {};
  const cpuLimit = Quantity.of(limits.cpu).milliValue();
  const memoryLimit = Quantity.of(limits.memory).value();
  return {
    cpuShares: cpuShares(Quantity.of(requests.cpu ?? limits.cpu).milliValue()),
    ...(cpuLimit > 0 ? { cpuQuota: cpuQuota(cpuLimit), cpuPeriod: periodMicroseconds } : {}),
    ...(memoryLimit > 0 ? { memoryLimitInBytes: memoryLimit } : {}),
  };
}

const systemCriticalPriority = 2_000_000_000;

/** Whom the kernel kills first when the node runs out of memory: who promised least (pkg/kubelet/qos). */
export function oomScoreAdjust(
  qos: QosClass,
  memoryRequestBytes: number,
  capacityBytes: number,
  priority: number,
): number {
  if (priority >= systemCriticalPriority || qos === "Guaranteed") return -997;
  if (qos === "BestEffort") return 1000;
  const score = 1000 - Math.floor((1000 * memoryRequestBytes) / capacityBytes);
  return Math.min(999, Math.max(3, score));
}

/** Limits of the pod as a whole: only where every container has one. */
export function podResources(pod: Pod): LinuxContainerResources {
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)];
  const sum = (kind: "requests" | "limits", name: string) =>
    containers.reduce((total, { resources }) => total.add(Quantity.of(resources?.[kind]?.[name])), Quantity.zero);
  const all = (name: string) => containers.every(({ resources }) => resources?.limits?.[name] !== undefined);
  return {
    cpuShares: cpuShares(podRequests(pod).cpu),
    ...(all("cpu") ? { cpuQuota: cpuQuota(sum("limits", "cpu").milliValue()), cpuPeriod: periodMicroseconds } : {}),
    ...(all("memory") ? { memoryLimitInBytes: sum("limits", "memory").value() } : {}),
  };
}

export function cgroupParentOf(pod: Pod, uid: string): string {
  const qos = qosClass(pod);
  return qos === "Guaranteed" ? `kubepods/pod${uid}` : `kubepods/${qos.toLowerCase()}/pod${uid}`;
}

export interface Requests {
  /** Thousandths of a CPU. */
  readonly cpu: number;
  /** Bytes. */
  readonly memory: number;
}

/** What a pod asks of its node: the most that runs at once, of init containers (with the sidecars before them) or of the rest. */
export function podRequests(pod: Pod): Requests {
  const of = ({ resources }: Container): Requests => ({
    cpu: Quantity.of(resources?.requests?.cpu ?? resources?.limits?.cpu).milliValue(),
    memory: Quantity.of(resources?.requests?.memory ?? resources?.limits?.memory).value(),
  });
  const plus = (a: Requests, b: Requests) => ({ cpu: a.cpu + b.cpu, memory: a.memory + b.memory });
  const most = (a: Requests, b: Requests) => ({ cpu: Math.max(a.cpu, b.cpu), memory: Math.max(a.memory, b.memory) });
  let sidecars: Requests = { cpu: 0, memory: 0 };
  let init: Requests = { cpu: 0, memory: 0 };
  for (const container of pod.spec.initContainers ?? []) {
    if (isSidecar(container)) sidecars = plus(sidecars, of(container));
    init = most(init, isSidecar(container) ? sidecars : plus(sidecars, of(container)));
  }
  const together = pod.spec.containers.map(of).reduce(plus, sidecars);
  const overhead = {
    cpu: Quantity.of(pod.spec.overhead?.cpu).milliValue(),
    memory: Quantity.of(pod.spec.overhead?.memory).value(),
  };
  return plus(most(init, together), overhead);
}
