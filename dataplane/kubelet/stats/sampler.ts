import { type StatsFs, statfsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Log, Timer } from "../../../base/mod.ts";
import { millisecondsOf, type Pod, type Volume } from "../../../controlplane/api/mod.ts";
import { labels, refOf } from "../pod/pod-ref.ts";
import { podDirOf, podLogDirOf } from "../root-dir.ts";
import type { ContainerStats, ImageService, PodSandboxStats, RuntimeService } from "../runtime/cri.ts";
import { usageBelow } from "../runtime/embedded/embedded-images.ts";
import type { MountedClaim } from "../volumes/claim-volumes.ts";
import type {
  ClaimSample,
  ContainerSample,
  CpuUsage,
  DiskUsage,
  FileSystem,
  MemoryUsage,
  NodeSample,
  PodSample,
  VolumeSample,
} from "./node-sample.ts";

export interface SamplerOptions {
  readonly runtime: RuntimeService & ImageService;
  readonly clock: Clock;
  readonly log: Log;
  readonly rootDir: string;
  readonly pods: () => readonly Pod[];
  /** Claims' volumes that the pod has mounted. */
  readonly claims: (uid: string) => readonly MountedClaim[];
  /** Of the node agent itself, which lives on the node as its pods do. */
  readonly ownUsage: () => { readonly cpuNanoseconds: number; readonly rssBytes: number };
}

const everyMs = 10_000;
/** Two samples that are closer say nothing about a rate. */
const leastWindowMs = 1_000;

/**
 * Measures the node and its pods every ten seconds, so that whoever asks has a rate at once. A node is its pods and its agent: several nodes may
 * share a machine, whose own numbers would be everybody's.
 */
export class Sampler {
  readonly #options: SamplerOptions;
  readonly #totals = new Map<
    string,
    { readonly total: number; readonly atMs: number; readonly rate: number | undefined }
  >();
  #sample: NodeSample | undefined;
  #sampling: Promise<NodeSample> | undefined;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(options: SamplerOptions) {
    this.#options = options;
  }

  start(): void {
    const { clock, log } = this.#options;
    const turn = async () => {
      try {
        await this.fresh(0);
      } catch (error) {
        log("warn", "usage could not be measured", { error: (error as Error).message });
      }
      if (!this.#stopped) this.#timer = clock.after(everyMs, () => void turn());
    };
    this.#timer = clock.after(leastWindowMs, () => void turn());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** A sample that is no older than that. */
  fresh(maxAgeMs: number): Promise<NodeSample> {
    const { clock } = this.#options;
    if (this.#sample !== undefined && clock.now() - this.#sample.atMs <= maxAgeMs) return Promise.resolve(this.#sample);
    this.#sampling ??= this.#measure().finally(() => {
      this.#sampling = undefined;
    });
    return this.#sampling;
  }

  async #measure(): Promise<NodeSample> {
    const { runtime, clock, pods, ownUsage, rootDir } = this.#options;
    const sandboxes = new Map(
      (await runtime.listPodSandboxStats()).map((stats) => [stats.labels[labels.podUid] ?? stats.metadata.uid, stats]),
    );
    const atMs = clock.now();
    const used = new Set<string>();
    const cpu = (key: string, total: number | undefined): CpuUsage => {
      used.add(key);
      return { totalNanoseconds: total, nanoCores: this.#rate(key, total, atMs) };
    };
    const measured: PodSample[] = [];
    for (const pod of pods()) {
      const stats = sandboxes.get(refOf(pod).uid);
      if (stats !== undefined) measured.push(await this.#pod(pod, stats, cpu));
    }
    const own = ownUsage();
    const sum = (numbers: readonly (number | undefined)[]) =>
      numbers.reduce<number>((total, number) => total + (number ?? 0), 0);
    const disk = statfsSync(rootDir);
    const nodeMemory = own.rssBytes + sum(measured.map(({ memory }) => memory.workingSetBytes));
    this.#sample = {
      atMs,
      // A pod that goes takes its total along, and totals never fall: so the rates are added up.
      cpu: this.#nodeCpu(cpu("", own.cpuNanoseconds), measured),
      memory: {
        usageBytes: own.rssBytes + sum(measured.map(({ memory }) => memory.usageBytes ?? memory.workingSetBytes)),
        workingSetBytes: nodeMemory,
        rssBytes: own.rssBytes + sum(measured.map(({ memory }) => memory.rssBytes)),
      },
      network: undefined,
      fs: fileSystem(disk),
      imageFsUsedBytes: (await runtime.imageFsInfo()).usedBytes,
      pods: measured,
    };
    for (const key of this.#totals.keys()) if (!used.has(key)) this.#totals.delete(key);
    return this.#sample;
  }

  #nodeTotal = 0;
  #nodeTotalAtMs = 0;

  #nodeCpu(own: CpuUsage, pods: readonly PodSample[]): CpuUsage {
    const rates = [own, ...pods.map(({ cpu }) => cpu)].flatMap(({ nanoCores }) =>
      nanoCores === undefined ? [] : [nanoCores],
    );
    const nanoCores = own.nanoCores === undefined ? undefined : rates.reduce((a, b) => a + b, 0);
    const atMs = this.#options.clock.now();
    if (this.#nodeTotalAtMs === 0) this.#nodeTotal = own.totalNanoseconds ?? 0;
    else this.#nodeTotal += Math.round(((nanoCores ?? 0) * (atMs - this.#nodeTotalAtMs)) / 1000);
    this.#nodeTotalAtMs = atMs;
    return { totalNanoseconds: this.#nodeTotal, nanoCores };
  }

  #rate(key: string, total: number | undefined, atMs: number): number | undefined {
    if (total === undefined) return undefined;
    const last = this.#totals.get(key);
    if (last !== undefined && atMs - last.atMs < leastWindowMs) return last.rate;
    const rate =
      last === undefined || total < last.total
        ? undefined
        : Math.round(((total - last.total) * 1000) / (atMs - last.atMs));
    this.#totals.set(key, { total, atMs, rate });
    return rate;
  }

  async #pod(
    pod: Pod,
    stats: PodSandboxStats,
    cpu: (key: string, total: number | undefined) => CpuUsage,
  ): Promise<PodSample> {
    const { rootDir } = this.#options;
    const ref = refOf(pod);
    const statuses = [
      ...(pod.status?.initContainerStatuses ?? []),
      ...(pod.status?.containerStatuses ?? []),
      ...(pod.status?.ephemeralContainerStatuses ?? []),
    ];
    const containers: ContainerSample[] = [];
    for (const one of stats.containers) {
      const { name } = one.metadata;
      const startedAt = statuses.find((status) => status.name === name)?.state?.running?.startedAt;
      containers.push({
        name,
        startedAtMs: millisecondsOf(startedAt) ?? 0,
        cpu: cpu(one.id, one.cpuUsageCoreNanoSeconds),
        memory: memoryOf(one),
        rootfs: one.writableLayer,
        logs: await usageBelow(join(podLogDirOf(rootDir, ref), name)),
      });
    }
    const sum = (pick: (one: ContainerSample) => number | undefined) => {
      const known = containers.map(pick).filter((value) => value !== undefined);
      return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0);
    };
    return {
      ...ref,
      startedAtMs: millisecondsOf(pod.status?.startTime) ?? 0,
      cpu: cpu(stats.id, stats.cpuUsageCoreNanoSeconds ?? sum((one) => one.cpu.totalNanoseconds)),
      memory: {
        usageBytes: sum(({ memory }) => memory.usageBytes),
        workingSetBytes: stats.memoryWorkingSetBytes ?? sum(({ memory }) => memory.workingSetBytes),
        rssBytes: sum(({ memory }) => memory.rssBytes),
      },
      network: stats.network,
      containers,
      volumes: await this.#volumes(pod),
      claims: await this.#claims(ref.uid),
    };
  }

  async #claims(uid: string): Promise<ClaimSample[]> {
    const samples: ClaimSample[] = [];
    for (const { path, name, claim } of this.#options.claims(uid)) {
      try {
        samples.push({ name, claim, fs: fileSystem(await statfs(path)) });
      } catch (error) {
        // It went while we looked.
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
    return samples;
  }

  async #volumes(pod: Pod): Promise<VolumeSample[]> {
    const samples: VolumeSample[] = [];
    for (const volume of pod.spec.volumes ?? []) {
      const kind = diskKindOf(volume);
      if (kind === undefined) continue;
      const dir = join(
        podDirOf(this.#options.rootDir, refOf(pod).uid),
        "volumes",
        `kubernetes.io~${kind}`,
        volume.name,
      );
      const usage: DiskUsage = await usageBelow(dir);
      samples.push({ name: volume.name, ...usage, isLocal: volume.emptyDir?.medium !== "Memory" });
    }
    return samples;
  }
}

function fileSystem({ blocks, bavail, bsize, files, ffree }: StatsFs): FileSystem {
  return { capacityBytes: blocks * bsize, availableBytes: bavail * bsize, inodes: files, inodesFree: ffree };
}

/** The folder of volumes that lie below the pod's directory; undefined: the volume lies elsewhere, or is for others to measure. */
function diskKindOf(volume: Volume): string | undefined {
  if (volume.emptyDir !== undefined) return "empty-dir";
  if (volume.configMap !== undefined) return "configmap";
  if (volume.secret !== undefined) return "secret";
  if (volume.projected !== undefined) return "projected";
  return volume.downwardAPI === undefined ? undefined : "downwardapi";
}

function memoryOf(stats: ContainerStats): MemoryUsage {
  return {
    usageBytes: stats.memoryUsageBytes ?? stats.memoryWorkingSetBytes,
    workingSetBytes: stats.memoryWorkingSetBytes,
    rssBytes: stats.memoryRssBytes,
  };
}
