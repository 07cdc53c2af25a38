import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { signal } from "./procfs.ts";

/** Removes a tree of groups, innermost first. The kernel answers EBUSY for a moment after the last process died. */
export function removeTree(dir: string): void {
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
export async function destroyTree(dir: string): Promise<void> {
  for (let attempt = 0; existsSync(dir); attempt++) {
    if (attempt === 100) throw new Error(`control group ${dir} cannot be removed: it still has processes`);
    for (const pid of processesBelow(dir)) signal(pid, "SIGKILL");
    removeTree(dir);
    if (existsSync(dir)) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** destroyTree for a group of this name in every hierarchy that is mounted: engines make theirs in all of them. */
export async function destroyEveryCgroup(name: string): Promise<void> {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(" ")[4] as string);
  for (const mount of new Set(mounts)) await destroyTree(join(mount, name));
}

function processesBelow(dir: string): number[] {
  const inner = readdirSync(dir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const own = readFileSync(join(dir, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  return [...own, ...inner.flatMap((entry) => processesBelow(join(dir, entry.name)))];
}

/** The number behind a name, in files such as memory.stat; 0: it is not there. */
export function counter(file: string, name: string): number {
  if (!existsSync(file)) return 0;
  const line = readFileSync(file, "utf8")
    .split("\n")
    .find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.split(" ")[1]);
}

/** A file's only number; 0: it is not there, or says "max". */
export function numberIn(file: string): number {
  if (!existsSync(file)) return 0;
  const value = Number(readFileSync(file, "utf8"));
  return Number.isFinite(value) ? value : 0;
}
