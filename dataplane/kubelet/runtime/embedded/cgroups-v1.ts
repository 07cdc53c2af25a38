import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LinuxContainerResources } from "../cri.ts";
import { counter, destroyTree, numberIn, removeTree } from "./cgroup-tree.ts";
import type { Cgroups, CgroupUsage } from "./cgroups.ts";

/** Where each controller is mounted. Several may share a directory. */
export interface HierarchiesV1 {
  readonly memory: string;
  readonly cpu: string;
  readonly cpuacct: string;
  readonly pids: string | undefined;
  readonly hugetlb: string | undefined;
  readonly cpuset: string | undefined;
}

/** Control groups, version 1: a tree per controller. */
export class CgroupsV1 implements Cgroups {
  readonly version = "v1";
  readonly #hierarchies: HierarchiesV1;
  readonly #root: string;

  constructor(hierarchies: HierarchiesV1, root: string) {
    this.#hierarchies = hierarchies;
    this.#root = root;
  }

  #dir(controller: keyof HierarchiesV1, path: string): string | undefined {
    const hierarchy = this.#hierarchies[controller];
    return hierarchy === undefined ? undefined : join(hierarchy, this.#root, path);
  }

  /** The group's directories that are there; a cpuset only where one was asked for. */
  #dirs(path: string): string[] {
    const all = Object.values(this.#hierarchies)
      .filter((hierarchy) => hierarchy !== undefined)
      .map((hierarchy) => join(hierarchy, this.#root, path));
    return [...new Set(all)].filter(existsSync);
  }

  create(path: string, resources: LinuxContainerResources): void {
    const { cpuset, ...others } = this.#hierarchies;
    for (const hierarchy of Object.values(others)) {
      if (hierarchy !== undefined) mkdirSync(join(hierarchy, this.#root, path), { recursive: true });
    }
    if (cpuset !== undefined && (resources.cpusetCpus || resources.cpusetMems))
      makeCpuset(cpuset, join(this.#root, path));
    this.update(path, resources);
  }

  update(path: string, resources: LinuxContainerResources): void {
    const write = (controller: keyof HierarchiesV1, file: string, value: number | string | undefined) => {
      const dir = this.#dir(controller, path);
      if (value !== undefined && value !== "" && dir !== undefined && existsSync(dir))
        writeFileSync(join(dir, file), `${value}`);
    };
    write("cpu", "cpu.shares", resources.cpuShares);
    write("cpu", "cpu.cfs_period_us", resources.cpuPeriod);
    write("cpu", "cpu.cfs_quota_us", resources.cpuQuota);
    this.#limitMemory(path, resources);
    write("pids", "pids.max", resources.unified?.["pids.max"]);
    write("cpuset", "cpuset.cpus", resources.cpusetCpus);
    write("cpuset", "cpuset.mems", resources.cpusetMems);
    for (const { pageSize, limit } of resources.hugepageLimits ?? [])
      write("hugetlb", `hugetlb.${pageSize}.limit_in_bytes`, limit);
  }

  /** Memory with swap may never be less than memory alone: which of the two goes first depends on the way. */
  #limitMemory(
    path: string,
    { memoryLimitInBytes: limit, memorySwapLimitInBytes: withSwap }: LinuxContainerResources,
  ): void {
    const dir = this.#dir("memory", path) as string;
    const swapFile = join(dir, "memory.memsw.limit_in_bytes");
    const swap: readonly [string, number][] =
      withSwap !== undefined && existsSync(swapFile) ? [[swapFile, withSwap]] : [];
    const memory: readonly [string, number][] =
      limit === undefined ? [] : [[join(dir, "memory.limit_in_bytes"), limit]];
    const grows = limit !== undefined && limit > numberIn(join(dir, "memory.limit_in_bytes"));
    for (const [file, bytes] of grows ? [...swap, ...memory] : [...memory, ...swap]) writeFileSync(file, `${bytes}`);
  }

  joinFiles(path: string): readonly string[] {
    return this.#dirs(path).map((dir) => join(dir, "cgroup.procs"));
  }

  visible(path: string): readonly { readonly name: string; readonly dir: string }[] {
    const names = Object.keys(this.#hierarchies) as (keyof HierarchiesV1)[];
    return names.flatMap((name) => {
      const dir = this.#dir(name, path);
      return dir !== undefined && existsSync(dir) ? [{ name, dir }] : [];
    });
  }

  oomKills(path: string): number {
    return counter(join(this.#dir("memory", path) as string, "memory.oom_control"), "oom_kill");
  }

  usage(path: string): CgroupUsage {
    const [cpu, memory] = [this.#dir("cpuacct", path) as string, this.#dir("memory", path) as string];
    if (!existsSync(cpu) || !existsSync(memory)) return {};
    const statistics = join(memory, "memory.stat");
    const memoryBytes = numberIn(join(memory, "memory.usage_in_bytes"));
    return {
      cpuNanoseconds: numberIn(join(cpu, "cpuacct.usage")),
      memoryBytes,
      workingSetBytes: Math.max(0, memoryBytes - counter(statistics, "total_inactive_file")),
      rssBytes: counter(statistics, "total_rss"),
    };
  }

  remove(path: string): void {
    for (const dir of this.#dirs(path)) removeTree(dir);
  }

  async destroy(): Promise<void> {
    for (const dir of this.#dirs("")) await destroyTree(dir);
  }
}

/** A new cpuset is empty and takes nobody: it gets what its parent has, from the top down. */
function makeCpuset(hierarchy: string, path: string): void {
  let dir = hierarchy;
  for (const part of path.split("/")) {
    const parent = dir;
    dir = join(dir, part);
    mkdirSync(dir, { recursive: true });
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      if (readFileSync(join(dir, file), "utf8").trim() === "")
        writeFileSync(join(dir, file), readFileSync(join(parent, file), "utf8").trim());
    }
  }
}
