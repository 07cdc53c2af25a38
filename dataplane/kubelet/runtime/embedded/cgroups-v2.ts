import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LinuxContainerResources } from "../cri.ts";
import { counter, destroyTree, numberIn, removeTree } from "./cgroup-tree.ts";
import type { Cgroups, CgroupUsage } from "./cgroups.ts";

/** Of the controllers a machine offers, those that are used here. */
const wanted = ["cpu", "memory", "pids", "cpuset", "hugetlb"];

/** Control groups, version 2: one tree. Processes live in its leaves only, the containers' groups. */
export class CgroupsV2 implements Cgroups {
  readonly version = "v2";
  readonly #mount: string;
  readonly #root: string;
  /** `+cpu +memory …`: what a group must hand down to the groups in it. */
  readonly #handDown: string;

  private constructor(mount: string, root: string, controllers: readonly string[]) {
    this.#mount = mount;
    this.#root = root;
    this.#handDown = wanted
      .filter((name) => controllers.includes(name))
      .map((name) => `+${name}`)
      .join(" ");
  }

  /** Throws when the groups cannot be written. */
  static open(mount: string, root: string, controllers: readonly string[]): CgroupsV2 {
    const cgroups = new CgroupsV2(mount, root, controllers);
    cgroups.#makeInner(root);
    return cgroups;
  }

  /** A group has only the controllers that all above it hand down. */
  #makeInner(path: string): void {
    let dir = this.#mount;
    for (const part of ["", ...path.split("/")]) {
      dir = join(dir, part);
      mkdirSync(dir, { recursive: true });
      writeFileSync(join(dir, "cgroup.subtree_control"), this.#handDown);
    }
  }

  #dir(path: string): string {
    return join(this.#mount, this.#root, path);
  }

  create(path: string, resources: LinuxContainerResources): void {
    const parent = path.split("/").slice(0, -1).join("/");
    this.#makeInner(parent === "" ? this.#root : `${this.#root}/${parent}`);
    mkdirSync(this.#dir(path), { recursive: true });
    this.update(path, resources);
  }

  update(path: string, resources: LinuxContainerResources): void {
    const dir = this.#dir(path);
    const { cpuShares, cpuQuota, cpuPeriod, memoryLimitInBytes, memorySwapLimitInBytes } = resources;
    const files: Record<string, string> = { ...resources.unified };
    if (cpuShares !== undefined) files["cpu.weight"] = `${weightOfShares(cpuShares)}`;
    if (cpuQuota !== undefined) files["cpu.max"] = `${cpuQuota > 0 ? cpuQuota : "max"} ${cpuPeriod ?? 100_000}`;
    if (memoryLimitInBytes !== undefined) files["memory.max"] = limit(memoryLimitInBytes);
    // Here swap is counted by itself, in CRI together with memory.
    if (memorySwapLimitInBytes !== undefined)
      files["memory.swap.max"] =
        memorySwapLimitInBytes < 0 ? "max" : `${memorySwapLimitInBytes - (memoryLimitInBytes ?? 0)}`;
    if (resources.cpusetCpus) files["cpuset.cpus"] = resources.cpusetCpus;
    if (resources.cpusetMems) files["cpuset.mems"] = resources.cpusetMems;
    for (const { pageSize, limit: bytes } of resources.hugepageLimits ?? [])
      files[`hugetlb.${pageSize}.max`] = `${bytes}`;
    for (const [file, value] of Object.entries(files)) writeFileSync(join(dir, file), value);
  }

  joinFiles(path: string): readonly string[] {
    return [join(this.#dir(path), "cgroup.procs")];
  }

  visible(path: string): readonly { readonly name: string; readonly dir: string }[] {
    return [{ name: "", dir: this.#dir(path) }];
  }

  oomKills(path: string): number {
    return counter(join(this.#dir(path), "memory.events"), "oom_kill");
  }

  usage(path: string): CgroupUsage {
    const dir = this.#dir(path);
    if (!existsSync(join(dir, "memory.current"))) return {};
    const memoryBytes = numberIn(join(dir, "memory.current"));
    return {
      cpuNanoseconds: counter(join(dir, "cpu.stat"), "usage_usec") * 1000,
      memoryBytes,
      workingSetBytes: Math.max(0, memoryBytes - counter(join(dir, "memory.stat"), "inactive_file")),
      rssBytes: counter(join(dir, "memory.stat"), "anon"),
    };
  }

  remove(path: string): void {
    removeTree(this.#dir(path));
  }

  async destroy(): Promise<void> {
    await destroyTree(this.#dir(""));
  }
}

function limit(bytes: number): string {
  return bytes < 0 ? "max" : `${bytes}`;
}

/** Version 1's shares [2, 262144] on version 2's scale [1, 10000], linear as runc long did it. */
export function weightOfShares(shares: number): number {
  return 1 + Math.floor(((shares - 2) * 9999) / 262_142);
}
