/** What was measured at one moment, before anybody writes it as a summary or as metrics. Bytes; CPU time in nanoseconds since the start. */
export interface NodeSample {
  readonly atMs: number;
  readonly cpu: CpuUsage;
  readonly memory: MemoryUsage;
  readonly network: NetworkUsage | undefined;
  /** The file system below the node's root directory. */
  readonly fs: FileSystem;
  readonly imageFsUsedBytes: number;
  readonly pods: readonly PodSample[];
}

export interface PodSample {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly startedAtMs: number;
  readonly cpu: CpuUsage;
  readonly memory: MemoryUsage;
  readonly network: NetworkUsage | undefined;
  readonly containers: readonly ContainerSample[];
  readonly volumes: readonly VolumeSample[];
  readonly claims: readonly ClaimSample[];
}

export interface ContainerSample {
  readonly name: string;
  readonly startedAtMs: number;
  readonly cpu: CpuUsage;
  readonly memory: MemoryUsage;
  readonly rootfs: DiskUsage | undefined;
  readonly logs: DiskUsage;
}

export interface VolumeSample extends DiskUsage {
  readonly name: string;
  /** Its files are the node's own disk, not memory, another disk, or the node's directories. */
  readonly isLocal: boolean;
}

/** The volume behind a claim: its own file system, or the share of the node's that everybody shares. */
export interface ClaimSample {
  /** The pod's name for it. */
  readonly name: string;
  readonly claim: { readonly namespace: string; readonly name: string };
  readonly fs: FileSystem;
}

export interface CpuUsage {
  readonly totalNanoseconds: number | undefined;
  /** Nanoseconds of CPU time a second, since the sample before; undefined in the first. */
  readonly nanoCores: number | undefined;
}

export interface MemoryUsage {
  readonly usageBytes: number | undefined;
  readonly workingSetBytes: number | undefined;
  readonly rssBytes: number | undefined;
}

export interface NetworkUsage {
  readonly rxBytes: number;
  readonly txBytes: number;
}

export interface DiskUsage {
  readonly usedBytes: number;
  readonly inodesUsed: number;
}

export interface FileSystem {
  readonly capacityBytes: number;
  readonly availableBytes: number;
  readonly inodes: number;
  readonly inodesFree: number;
}

/** What of the node's disk a pod has taken: roots of containers, logs, and volumes that are plain directories. */
export function localStorageBytes(pod: PodSample): number {
  const ofContainers = pod.containers.map(({ rootfs, logs }) => (rootfs?.usedBytes ?? 0) + logs.usedBytes);
  const ofVolumes = pod.volumes.filter(({ isLocal }) => isLocal).map(({ usedBytes }) => usedBytes);
  return [...ofContainers, ...ofVolumes].reduce((total, bytes) => total + bytes, 0);
}
