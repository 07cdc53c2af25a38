import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cgroupNameOf } from "./cgroup-name.ts";
import { destroyTree } from "./cgroup-tree.ts";

/** Directories in which this process may make control groups. */
export interface Hierarchies {
  /** Version 1: one for each controller. */
  readonly v1: ReadonlyMap<string, string>;
  /** Version 2: one for all. */
  readonly v2: string | undefined;
}

/** Looks at what is mounted and at the process's own groups. `proc`: its directory below /proc. */
export function readHierarchies(proc = "/proc/self"): Hierarchies {
  const v1 = new Map<string, string>();
  let v2: string | undefined;
  if (!existsSync(join(proc, "mountinfo"))) return { v1, v2 };
  const own = ownGroups(readFileSync(join(proc, "cgroup"), "utf8"));
  for (const line of readFileSync(join(proc, "mountinfo"), "utf8").split("\n")) {
    const [before, after] = line.split(" - ");
    if (before === undefined || after === undefined) continue;
    const target = before.split(" ")[4] as string;
    const [type, , options] = after.split(" ") as [string, string, string];
    if (type === "cgroup2") v2 ??= delegated(target, own.get("") ?? "/");
    if (type !== "cgroup") continue;
    for (const controller of options.split(",")) {
      const dir = v1.has(controller) ? undefined : delegated(target, own.get(controller) ?? "/");
      if (dir !== undefined) v1.set(controller, dir);
    }
  }
  return { v1, v2 };
}

/** `4:memory:/a` and `0::/b`: paths by controllers, that of version 2 by none. */
function ownGroups(text: string): ReadonlyMap<string, string> {
  const lines = text.split("\n").filter((line) => line !== "");
  return new Map(
    lines.flatMap((line) => {
      const [, controllers = "", ...path] = line.split(":");
      return controllers.split(",").map((controller) => [controller, path.join(":")] as const);
    }),
  );
}

/**
 * The highest group above a process's own that is its user's to divide: the hierarchy's root for root; for others what somebody handed over to them, as systemd does
 * with `user@UID.service`. Undefined: nothing was.
 */
function delegated(mount: string, own: string): string | undefined {
  let found: string | undefined;
  for (let path = own; ; path = dirname(path)) {
    if (isWritable(join(mount, path))) found = join(mount, path);
    if (path === "/" || path === ".") return found;
  }
}

function isWritable(group: string): boolean {
  try {
    for (const path of [group, join(group, "cgroup.procs")]) accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false; // not ours, or not there: another group's root is mounted
  }
}

function basesFile(stateDir: string): string {
  return join(stateDir, "cgroup-bases");
}

/** Notes where a node has its groups: who removes them may be in another group than who made them. */
export function keepBases(stateDir: string, { v1, v2 }: Hierarchies): void {
  const bases = new Set([...v1.values(), ...(v2 === undefined ? [] : [v2])]);
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(basesFile(stateDir), JSON.stringify([...bases]));
}

/** Kills what is left in a node's groups, wherever it had them, and removes them. Idempotent. */
export async function destroyKeptGroups(stateDir: string): Promise<void> {
  const file = basesFile(stateDir);
  if (!existsSync(file)) return;
  for (const base of JSON.parse(readFileSync(file, "utf8")) as string[])
    await destroyTree(join(base, cgroupNameOf(stateDir)));
}
