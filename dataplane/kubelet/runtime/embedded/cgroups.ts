import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { LinuxContainerResources } from "../cri.ts";
import { CgroupsV1, type HierarchiesV1 } from "./cgroups-v1.ts";
import { CgroupsV2 } from "./cgroups-v2.ts";
import { readHierarchies } from "./hierarchies.ts";

/** What a group has used. Undefined: it is not measured. */
export interface CgroupUsage {
  readonly cpuNanoseconds?: number;
  /** All that is charged to it, page cache included. */
  readonly memoryBytes?: number;
  /** Without the page cache that has not been used lately. */
  readonly workingSetBytes?: number;
  readonly rssBytes?: number;
}

/** Control groups of one node. Paths are relative to the node's own group, e.g. `kubepods/podUID/CONTAINER`. */
export interface Cgroups {
  readonly version: "v1" | "v2" | "none";
  /** Makes the group and its parents. */
  create(path: string, resources: LinuxContainerResources): void;
  update(path: string, resources: LinuxContainerResources): void;
  /** Files a process writes `0` into to enter the group. */
  joinFiles(path: string): readonly string[];
  /** The group's directories, by the names under which its processes see them below /sys/fs/cgroup (v2: that directory itself, ""). */
  visible(path: string): readonly { readonly name: string; readonly dir: string }[];
  /** How often the kernel killed a process of the group for want of memory. */
  oomKills(path: string): number;
  usage(path: string): CgroupUsage;
  /** Removes the group and the groups in it, which hold no process any more. Idempotent. */
  remove(path: string): void;
  /** Kills what is left in the node's group and removes it. Idempotent. */
  destroy(): Promise<void>;
}

/** The control groups of this machine, below a group named `root`; `none` with the reason when they cannot be written. */
export function openCgroups(
  root: string,
  hierarchies = readHierarchies(),
): { readonly cgroups: Cgroups; readonly warning: string | undefined } {
  const { v1, v2 } = hierarchies;
  try {
    const [memory, cpu] = [v1.get("memory"), v1.get("cpu")];
    if (memory !== undefined && cpu !== undefined) {
      const controllers: HierarchiesV1 = {
        memory,
        cpu,
        cpuacct: v1.get("cpuacct") ?? cpu,
        pids: v1.get("pids"),
        hugetlb: v1.get("hugetlb"),
        cpuset: v1.get("cpuset"),
      };
      for (const dir of new Set([memory, cpu])) mkdirSync(join(dir, root), { recursive: true });
      return { cgroups: new CgroupsV1(controllers, root), warning: undefined };
    }
    if (v2 !== undefined) {
      const controllers = readFileSync(join(v2, "cgroup.controllers"), "utf8").trim().split(" ");
      if (controllers.includes("memory") && controllers.includes("cpu")) {
        return { cgroups: CgroupsV2.open(v2, root, controllers), warning: undefined };
      }
    }
  } catch (error) {
    const warning = `CPU limits are not enforced: control groups cannot be written (${(error as Error).message})`;
    return { cgroups: new NoCgroups(), warning };
  }
  return {
    cgroups: new NoCgroups(),
    warning: "CPU limits are not enforced: there are no cpu and memory control groups that are this user's to divide",
  };
}

/** Books without limits: what the fallback uses. */
export function noCgroups(): Cgroups {
  return new NoCgroups();
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
  visible(): readonly [] {
    return [];
  }
  oomKills(): number {
    return 0;
  }
  usage(): CgroupUsage {
    return {};
  }
  remove(): void {
    // nothing to remove
  }
  async destroy(): Promise<void> {
    // nothing to remove
  }
}
