import type { AuthConfig, ContainerStats, FilesystemUsage, Image, PodSandboxStats } from "../cri.ts";
import { fromWireMap, toWireMap, toWireTime, type Wire } from "./convert-common.ts";

const wrapped = (value: number | undefined) => (value === undefined ? undefined : { value });

export function toWireImage(image: Image): Wire<"Image"> {
  const { id, repoTags, repoDigests, sizeBytes, uid, username = "" } = image;
  return { id, repoTags, repoDigests, size: sizeBytes, uid: wrapped(uid), username, spec: undefined, pinned: false };
}

export function fromWireImage(wire: Wire<"Image">): Image {
  const { id, repoTags, repoDigests, size, uid, username } = wire;
  return {
    id,
    repoTags,
    repoDigests,
    sizeBytes: size,
    ...(uid === undefined ? {} : { uid: uid.value }),
    ...(username === "" ? {} : { username }),
  };
}

export function toWireAuth(auth: AuthConfig | undefined): Wire<"AuthConfig"> | undefined {
  const { username = "", password = "", auth: encoded = "" } = auth ?? {};
  const { serverAddress = "", identityToken = "", registryToken = "" } = auth ?? {};
  return auth && { username, password, auth: encoded, serverAddress, identityToken, registryToken };
}

export function toWireFilesystem(usage: FilesystemUsage, nowMs: number): Wire<"FilesystemUsage"> {
  return {
    timestamp: toWireTime(nowMs),
    fsId: { mountpoint: usage.mountpoint },
    usedBytes: { value: usage.usedBytes },
    inodesUsed: { value: usage.inodesUsed },
  };
}

export function fromWireFilesystem(wire: Wire<"FilesystemUsage"> | undefined): FilesystemUsage {
  return {
    mountpoint: wire?.fsId?.mountpoint ?? "",
    usedBytes: wire?.usedBytes?.value ?? 0,
    inodesUsed: wire?.inodesUsed?.value ?? 0,
  };
}

type Measured = Pick<
  ContainerStats,
  "cpuUsageNanoCores" | "cpuUsageCoreNanoSeconds" | "memoryWorkingSetBytes" | "memoryUsageBytes" | "memoryRssBytes"
>;

function toWireUsage(stats: Measured, nowMs: number): { cpu: Wire<"CpuUsage">; memory: Wire<"MemoryUsage"> } {
  const timestamp = toWireTime(nowMs);
  return {
    cpu: {
      timestamp,
      usageCoreNanoSeconds: wrapped(stats.cpuUsageCoreNanoSeconds),
      usageNanoCores: wrapped(stats.cpuUsageNanoCores),
    },
    memory: {
      timestamp,
      workingSetBytes: wrapped(stats.memoryWorkingSetBytes),
      usageBytes: wrapped(stats.memoryUsageBytes),
      rssBytes: wrapped(stats.memoryRssBytes),
    },
  };
}

function fromWireUsage({ cpu, memory }: { cpu?: Wire<"CpuUsage">; memory?: Wire<"MemoryUsage"> }): Measured {
  return {
    cpuUsageNanoCores: cpu?.usageNanoCores?.value,
    cpuUsageCoreNanoSeconds: cpu?.usageCoreNanoSeconds?.value,
    memoryWorkingSetBytes: memory?.workingSetBytes?.value,
    memoryUsageBytes: memory?.usageBytes?.value,
    memoryRssBytes: memory?.rssBytes?.value,
  };
}

export function toWireStats(stats: ContainerStats, nowMs: number): Wire<"ContainerStats"> {
  const { id, metadata, labels, writableLayer } = stats;
  return {
    attributes: { id, metadata, labels: toWireMap(labels), annotations: [] },
    ...toWireUsage(stats, nowMs),
    writableLayer: writableLayer && toWireFilesystem(writableLayer, nowMs),
  };
}

export function fromWireStats(wire: Wire<"ContainerStats">): ContainerStats {
  const { attributes, writableLayer } = wire;
  return {
    id: attributes?.id ?? "",
    metadata: attributes?.metadata ?? { name: "", attempt: 0 },
    labels: fromWireMap(attributes?.labels ?? []),
    ...fromWireUsage(wire),
    ...(writableLayer === undefined ? {} : { writableLayer: fromWireFilesystem(writableLayer) }),
  };
}

export function toWirePodStats(stats: PodSandboxStats, nowMs: number): Wire<"PodSandboxStats"> {
  const { id, metadata, labels, network } = stats;
  const eth0 = network && {
    name: "eth0",
    rxBytes: { value: network.rxBytes },
    txBytes: { value: network.txBytes },
    rxErrors: undefined,
    txErrors: undefined,
  };
  return {
    attributes: { id, metadata, labels: toWireMap(labels), annotations: [] },
    linux: {
      ...toWireUsage(stats, nowMs),
      network: eth0 && { timestamp: toWireTime(nowMs), defaultInterface: eth0, interfaces: [] },
      containers: stats.containers.map((one) => toWireStats(one, nowMs)),
    },
  };
}

export function fromWirePodStats(wire: Wire<"PodSandboxStats">): PodSandboxStats {
  const { attributes, linux } = wire;
  const usage = linux?.network?.defaultInterface;
  return {
    id: attributes?.id ?? "",
    metadata: attributes?.metadata ?? { name: "", uid: "", namespace: "", attempt: 0 },
    labels: fromWireMap(attributes?.labels ?? []),
    ...(linux === undefined ? {} : fromWireUsage(linux)),
    ...(usage === undefined
      ? {}
      : { network: { rxBytes: usage.rxBytes?.value ?? 0, txBytes: usage.txBytes?.value ?? 0 } }),
    containers: (linux?.containers ?? []).map(fromWireStats),
  };
}
