import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // ESRCH: the process ended between open and read.
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM" || code === "ENOTDIR")
      return undefined;
    throw error;
  }
}

export interface ProcessState {
  readonly parent: number;
  readonly session: number;
  /** Ticks since boot. Together with the number it names one process for ever. */
  readonly start: string;
}

/** Undefined: no such process, or only its corpse. */
export function processState(pid: number): ProcessState | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return undefined;
  // The name, in parentheses, may itself hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z" || fields[0] === "X") return undefined;
  return { parent: Number(fields[1]), session: Number(fields[3]), start: fields[19] as string };
}

/** Whether that very process is alive. An empty `start` accepts any bearer of the number. */
export function isAlive(pid: number, start: string): boolean {
  if (pid <= 0) return false;
  const state = processState(pid);
  if (state !== undefined) return start === "" || state.start === start;
  if (process.platform === "linux") return false;
  return canSignal(pid);
}

function canSignal(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Sends a signal; a process that is already gone is fine. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** The process and all its descendants, parents first. */
export function processTree(root: number): number[] {
  const tree = [root];
  for (let i = 0; i < tree.length; i++) {
    const children = read(`/proc/${tree[i]}/task/${tree[i]}/children`) ?? "";
    for (const child of children.split(" ")) if (child !== "") tree.push(Number(child));
  }
  return tree;
}

export function allProcesses(): number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** Arguments, separated by NUL; empty when it cannot be read. */
export function commandLine(pid: number): string {
  return read(`/proc/${pid}/cmdline`) ?? "";
}

/**
 * Whether the process is nsenter, which waits outside for a child inside a PID namespace. Killed before that child, it would leave it to
 * the machine's process 1; where that does not reap (common in containers and small VMs) the namespace could never end.
 */
export function isNsenter(pid: number): boolean {
  return read(`/proc/${pid}/comm`) === "nsenter\n";
}

/** Environment, separated by NUL; empty when it cannot be read. */
export function environment(pid: number): string {
  return read(`/proc/${pid}/environ`) ?? "";
}

/** Identity of a process's namespace, e.g. `net:[4026531840]`; undefined when it cannot be read. */
export function namespaceOf(pid: number | "self", kind: "net" | "mnt" | "uts" | "ipc"): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/${kind}`);
  } catch {
    return undefined; // gone, not ours, or not Linux: in each case nothing that could be compared
  }
}

/** Identity of a namespace pinned at a file, in the form of namespaceOf; undefined when the file pins none. */
export function pinnedNamespace(path: string, kind: "net" | "uts" | "ipc"): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  const nsfs = statSync("/proc/self/ns/net", { throwIfNoEntry: false });
  return stat !== undefined && nsfs !== undefined && stat.dev === nsfs.dev ? `${kind}:[${stat.ino}]` : undefined;
}

/** Memory of a process that is its own: not backed by files. 0: it is gone. */
export function residentBytes(pid: number): number {
  const status = read(`/proc/${pid}/status`) ?? "";
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0);
  return (kilobytes("RssAnon") + kilobytes("RssShmem")) * 1024;
}

/** The kernel's unit in /proc on all common machines: a hundredth of a second. */
const nanosecondsPerTick = 10_000_000;

/** CPU time of a process and of those children it has waited for. 0: it is gone. */
export function cpuNanoseconds(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === undefined) return 0;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  // utime, stime, cutime, cstime (proc_pid_stat(5), fields 14 to 17)
  return fields.slice(11, 15).reduce((ticks, field) => ticks + Number(field), 0) * nanosecondsPerTick;
}
