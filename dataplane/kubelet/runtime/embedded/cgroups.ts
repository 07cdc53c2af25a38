import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LinuxContainerResources } from "../cri.ts";
import { signal } from "./procfs.ts";

/** Control groups of one node. Paths are relative to the node's own group, e.g. `kubepods/podUID/CONTAINER`. */
export interface Cgroups {
  readonly version: "v1" | "v2" | "none";
  /** Makes the group and its parents. */
  create(path: string, resources: LinuxContainerResources): void;
  update(path: string, resources: LinuxContainerResources): void;
  /** Files a process writes `0` into to enter the group. */
  joinFiles(path: string): readonly string[];
  /** How often the kernel killed a process of the group for want of memory. */
  oomKills(path: string): number;
  usage(path: string): { readonly cpuNanoseconds?: number; readonly memoryBytes?: number };
  /** Removes the group and the groups in it, which hold no process any more. Idempotent. */
  remove(path: string): void;
  /** Kills what is left in the node's group and removes it. Idempotent. */
  destroy(): Promise<void>;
}

/** The control groups of this machine, below a group named `root`; `none` with the reason when they cannot be written. */
export function openCgroups(root: string): { readonly cgroups: Cgroups; readonly warning: string | undefined } {
  const mounts = findHierarchies();
  try {
    const memory = mounts.v1.get("memory");
    const cpu = mounts.v1.get("cpu");
    if (memory !== undefined && cpu !== undefined) {
      const cpuacct = mounts.v1.get("cpuacct") ?? cpu;
      for (const hierarchy of new Set([memory, cpu, cpuacct])) mkdirSync(join(hierarchy, root), { recursive: true });
      return { cgroups: new CgroupsV1({ memory, cpu, cpuacct }, root), warning: undefined };
    }
    if (mounts.v2 !== undefined) {
      const controllers = readFileSync(join(mounts.v2, "cgroup.controllers"), "utf8").trim().split(" ");
      if (controllers.includes("memory") && controllers.includes("cpu")) {
        enableControllers(mounts.v2, root);
        return { cgroups: new CgroupsV2(mounts.v2, root), warning: undefined };
      }
    }
  } catch (error) {
    const warning = `CPU and memory limits are not enforced: control groups cannot be written (${(error as Error).message})`;
    return { cgroups: new NoCgroups(), warning };
  }
  return {
    cgroups: new NoCgroups(),
    warning: "CPU and memory limits are not enforced: no cpu and memory control groups here",
  };
}

/** Books without limits: what the fallback uses. */
export function noCgroups(): Cgroups {
  return new NoCgroups();
}

function findHierarchies(): { v1: Map<string, string>; v2: string | undefined } {
  const v1 = new Map<string, string>();
  let v2: string | undefined;
  if (!existsSync("/proc/self/mountinfo")) return { v1, v2 };
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
    const [before, after] = line.split(" - ");
    if (before === undefined || after === undefined) continue;
    const target = before.split(" ")[4] as string;
    const [type, , options] = after.split(" ") as [string, string, string];
    if (type === "cgroup2") v2 ??= target;
    if (type === "cgroup") for (const option of options.split(",")) if (!v1.has(option)) v1.set(option, target);
  }
  return { v1, v2 };
}

/** Version 2 gives a group only the controllers that all its ancestors hand down. */
function enableControllers(mount: string, path: string): void {
  let dir = mount;
  for (const part of ["", ...path.split("/")]) {
    dir = join(dir, part);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, "cgroup.subtree_control"), "+cpu +memory");
  }
}

/** Removes a tree of groups, innermost first. The kernel answers EBUSY for a moment after the last process died. */
function removeTree(dir: string): void {
  if (!existsSync(dir)) return;
  for (const entry of readdirSync(dir, { withFileTypes: true }))
    if (entry.isDirectory()) removeTree(join(dir, entry.name));
  try {
    rmdirSync(dir);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENOENT" && code !== "EBUSY") throw error;
  }
}

/** Kills the processes of a tree of groups and removes it, again and again until it is gone. */
async function destroyTree(dir: string): Promise<void> {
  for (let attempt = 0; existsSync(dir); attempt++) {
    if (attempt === 100) throw new Error(`control group ${dir} cannot be removed: it still has processes`);
    for (const pid of processesBelow(dir)) signal(pid, "SIGKILL");
    removeTree(dir);
    if (existsSync(dir)) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function processesBelow(dir: string): number[] {
  const inner = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const own = readFileSync(join(dir, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  return [...own, ...inner.flatMap((entry) => processesBelow(join(dir, entry.name)))];
}

function counter(file: string, name: string): number {
  if (!existsSync(file)) return 0;
  const line = readFileSync(file, "utf8")
    .split("\n")
    .find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.split(" ")[1]);
}

class CgroupsV1 implements Cgroups {
  readonly version = "v1";
  readonly #hierarchies: { readonly memory: string; readonly cpu: string; readonly cpuacct: string };
  readonly #root: string;

  constructor(hierarchies: { memory: string; cpu: string; cpuacct: string }, root: string) {
    this.#hierarchies = hierarchies;
    this.#root = root;
  }

  #dirs(path: string): string[] {
    const { memory, cpu, cpuacct } = this.#hierarchies;
    return [...new Set([memory, cpu, cpuacct])].map((hierarchy) => join(hierarchy, this.#root, path));
  }

  create(path: string, resources: LinuxContainerResources): void {
    for (const dir of this.#dirs(path)) mkdirSync(dir, { recursive: true });
    this.update(path, resources);
  }

  update(path: string, resources: LinuxContainerResources): void {
    const cpu = join(this.#hierarchies.cpu, this.#root, path);
    const memory = join(this.#hierarchies.memory, this.#root, path);
    if (resources.cpuShares !== undefined) writeFileSync(join(cpu, "cpu.shares"), `${resources.cpuShares}`);
    if (resources.cpuPeriod !== undefined) writeFileSync(join(cpu, "cpu.cfs_period_us"), `${resources.cpuPeriod}`);
    if (resources.cpuQuota !== undefined) writeFileSync(join(cpu, "cpu.cfs_quota_us"), `${resources.cpuQuota}`);
    const limit = resources.memoryLimitInBytes;
    if (limit !== undefined) writeFileSync(join(memory, "memory.limit_in_bytes"), `${limit}`);
  }

  joinFiles(path: string): readonly string[] {
    return this.#dirs(path).map((dir) => join(dir, "cgroup.procs"));
  }

  oomKills(path: string): number {
    return counter(join(this.#hierarchies.memory, this.#root, path, "memory.oom_control"), "oom_kill");
  }

  usage(path: string): { cpuNanoseconds?: number; memoryBytes?: number } {
    const cpu = join(this.#hierarchies.cpuacct, this.#root, path, "cpuacct.usage");
    const memory = join(this.#hierarchies.memory, this.#root, path, "memory.usage_in_bytes");
    if (!existsSync(cpu) || !existsSync(memory)) return {};
    const inactive = counter(join(memory, "../memory.stat"), "total_inactive_file");
    return {
      cpuNanoseconds: Number(readFileSync(cpu, "utf8")),
      memoryBytes: Math.max(0, Number(readFileSync(memory, "utf8")) - inactive),
    };
  }

  remove(path: string): void {
    for (const dir of this.#dirs(path)) removeTree(dir);
  }

  async destroy(): Promise<void> {
    for (const dir of this.#dirs("")) await destroyTree(dir);
  }
}

class CgroupsV2 implements Cgroups {
  readonly version = "v2";
  readonly #mount: string;
  readonly #root: string;

  constructor(mount: string, root: string) {
    this.#mount = mount;
    this.#root = root;
  }

  #dir(path: string): string {
    return join(this.#mount, this.#root, path);
  }

  create(path: string, resources: LinuxContainerResources): void {
    const parent = path.split("/").slice(0, -1).join("/");
    enableControllers(this.#mount, parent === "" ? this.#root : `${this.#root}/${parent}`);
    mkdirSync(this.#dir(path), { recursive: true });
    this.update(path, resources);
  }

  update(path: string, resources: LinuxContainerResources): void {
    const dir = this.#dir(path);
    const { cpuShares, cpuQuota, cpuPeriod, memoryLimitInBytes } = resources;
    if (cpuShares !== undefined) writeFileSync(join(dir, "cpu.weight"), `${weightOfShares(cpuShares)}`);
    if (cpuQuota !== undefined)
      writeFileSync(join(dir, "cpu.max"), `${cpuQuota > 0 ? cpuQuota : "max"} ${cpuPeriod ?? 100_000}`);
    if (memoryLimitInBytes !== undefined) writeFileSync(join(dir, "memory.max"), `${memoryLimitInBytes}`);
  }

  joinFiles(path: string): readonly string[] {
    return [join(this.#dir(path), "cgroup.procs")];
  }

  oomKills(path: string): number {
    return counter(join(this.#dir(path), "memory.events"), "oom_kill");
  }

  usage(path: string): { cpuNanoseconds?: number; memoryBytes?: number } {
    const memory = join(this.#dir(path), "memory.current");
    if (!existsSync(memory)) return {};
    const inactive = counter(join(this.#dir(path), "memory.stat"), "inactive_file");
    return {
      cpuNanoseconds: counter(join(this.#dir(path), "cpu.stat"), "usage_usec") * 1000,
      memoryBytes: Math.max(0, Number(readFileSync(memory, "utf8")) - inactive),
    };
  }

  remove(path: string): void {
    removeTree(this.#dir(path));
  }

  async destroy(): Promise<void> {
    await destroyTree(this.#dir(""));
  }
}

/** Version 1's shares [2, 262144] on version 2's scale [1, 10000], linear as runc long did it. */
export function weightOfShares(shares: number): number {
  return 1 + Math.floor(((shares - 2) * 9999) / 262_142);
}

class NoCgroups implements Cgroups {
  readonly version = "none";
  create(): void {
    // nothing to make
  }
  update(): void {
    // nothing to change
  }
  joinFiles(): readonly string[] {
    return [];
  }
  oomKills(): number {
    return 0;
  }
  usage(): Record<string, never> {
    return {};
  }
  remove(): void {
    // nothing to remove
  }
  async destroy(): Promise<void> {
    // nothing to remove
  }
}
