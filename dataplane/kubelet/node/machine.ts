import { readFileSync, statfsSync } from "node:fs";
import { arch, availableParallelism, platform, release, totalmem } from "node:os";

/** What the kubelet tells about the machine it runs on. Bytes and whole CPUs. */
export interface Machine {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly operatingSystem: string;
  /** In Go's names: amd64, arm64. */
  readonly architecture: string;
  readonly machineId: string;
  readonly bootId: string;
}

const goArchitectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64", ia32: "386", arm: "arm" };

export function readMachine(rootDir: string): Machine {
  const disk = statfsSync(rootDir);
  return {
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
    diskBytes: disk.blocks * disk.bsize,
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?(.*?)"?$/m.exec(textOf("/etc/os-release"))?.[1] ?? platform(),
    operatingSystem: platform(),
    architecture: goArchitectures[arch()] ?? arch(),
    machineId: textOf("/etc/machine-id").trim(),
    bootId: textOf("/proc/sys/kernel/random/boot_id").trim(),
  };
}

/** Of the whole machine. */
export function availableMemoryBytes(): number {
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(textOf("/proc/meminfo"))?.[1];
  return available === undefined ? Number.POSITIVE_INFINITY : Number(available) * 1024;
}

/** How many processes and threads the machine may have, and how many more. Endless where that is not known. */
export function processCounts(): { readonly available: number; readonly capacity: number } {
  const capacity = Number(textOf("/proc/sys/kernel/pid_max").trim() || Number.POSITIVE_INFINITY);
  const running = Number(/^\S+ \S+ \S+ \d+\/(\d+)/.exec(textOf("/proc/loadavg"))?.[1] ?? 0);
  return { available: capacity - running, capacity };
}

/** Files that not every system has. */
function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
