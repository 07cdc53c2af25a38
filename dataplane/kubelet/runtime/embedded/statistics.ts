import type { Clock } from "../../../../base/mod.ts";
import type { ContainerStats, PodSandboxStats } from "../cri.ts";
import type { Cgroups, CgroupUsage } from "./cgroups.ts";
import type { Driver } from "./driver.ts";
import { cpuNanoseconds, processTree, residentBytes } from "./procfs.ts";
import type { ContainerRecord, SandboxRecord } from "./records.ts";

/** A rate needs some time to be one. */
const leastSampleMs = 100;

export interface StatisticsOptions {
  readonly driver: Driver;
  readonly cgroups: Cgroups;
  readonly clock: Clock;
  /** Of the layer that a container writes to, where it has one. */
  readonly writableUsage: (record: ContainerRecord) => Promise<ContainerStats["writableLayer"]>;
}

interface CpuSample {
  readonly nanoseconds: number;
  readonly atMs: number;
  readonly rate: number;
}

/** What containers and pods use: by their control groups, or, where those are not ours to make, by their processes. */
export class Statistics {
  readonly #options: StatisticsOptions;
  /** Last look at somebody's CPU time, for the rate since. */
  readonly #cpuSamples = new Map<string, CpuSample>();

  constructor(options: StatisticsOptions) {
    this.#options = options;
  }

  async container(record: ContainerRecord): Promise<ContainerStats> {
    const { cgroups, driver, writableUsage } = this.#options;
    const usage = cgroups.version === "none" ? this.#byProcesses(record) : cgroups.usage(record.cgroup);
    return {
      id: record.id,
      metadata: record.config.metadata,
      labels: record.config.labels,
      cpuUsageNanoCores: this.#cpuRate(record.id, usage.cpuNanoseconds),
      cpuUsageCoreNanoSeconds: usage.cpuNanoseconds,
      memoryWorkingSetBytes: usage.workingSetBytes,
      memoryUsageBytes: usage.memoryBytes,
      memoryRssBytes: usage.rssBytes,
      writableLayer: driver.ownRoots ? await writableUsage(record) : undefined,
    };
  }

  /** `containers`: those of the sandbox. */
  sandbox(record: SandboxRecord, containers: readonly ContainerStats[]): PodSandboxStats {
    const { cgroups, driver } = this.#options;
    const usage = cgroups.version === "none" ? sumOf(containers) : cgroups.usage(record.config.linux.cgroupParent);
    return {
      id: record.id,
      metadata: record.config.metadata,
      labels: record.config.labels,
      cpuUsageNanoCores: this.#cpuRate(record.id, usage.cpuNanoseconds),
      cpuUsageCoreNanoSeconds: usage.cpuNanoseconds,
      memoryWorkingSetBytes: usage.workingSetBytes,
      network: driver.networkUsage(record),
      containers,
    };
  }

  /** It has ended or is removed. */
  forget(id: string): void {
    this.#cpuSamples.delete(id);
  }

  #byProcesses({ id, pid }: ContainerRecord): CgroupUsage {
    const processes = pid > 0 ? processTree(pid) : [];
    const held = processes.reduce((sum, one) => sum + residentBytes(one), 0);
    // What a process used that nobody waited for is lost with it; a counter never falls.
    const used = processes.reduce((sum, one) => sum + cpuNanoseconds(one), 0);
    const nanoseconds = Math.max(used, this.#cpuSamples.get(id)?.nanoseconds ?? 0);
    return { cpuNanoseconds: nanoseconds, memoryBytes: held, workingSetBytes: held, rssBytes: held };
  }

  /** Nanoseconds of CPU time a second, since the look before; undefined at the first. */
  #cpuRate(id: string, nanoseconds: number | undefined): number | undefined {
    if (nanoseconds === undefined) return undefined;
    const atMs = this.#options.clock.monotonic();
    const last = this.#cpuSamples.get(id);
    // Two that ask at once would get the rate of an instant.
    if (last !== undefined && atMs - last.atMs < leastSampleMs) return last.rate;
    const rate = last === undefined ? 0 : Math.round(((nanoseconds - last.nanoseconds) * 1000) / (atMs - last.atMs));
    this.#cpuSamples.set(id, { nanoseconds, atMs, rate: Math.max(0, rate) });
    return last === undefined ? undefined : Math.max(0, rate);
  }
}

function sumOf(containers: readonly ContainerStats[]): CgroupUsage {
  const sum = (of: (stats: ContainerStats) => number | undefined) =>
    containers.reduce((total, stats) => total + (of(stats) ?? 0), 0);
  return {
    cpuNanoseconds: sum(({ cpuUsageCoreNanoSeconds }) => cpuUsageCoreNanoSeconds),
    workingSetBytes: sum(({ memoryWorkingSetBytes }) => memoryWorkingSetBytes),
  };
}
