import { readFileSync } from "node:fs";

/** The kernel counts CPU time in hundredths of a second (USER_HZ). */
const ticksPerSecond = 100;

/** CPU time of a process since its start, user and kernel, in seconds. */
export function cpuSeconds(pid: number): number {
  return cpuSecondsIn(`/proc/${pid}/stat`);
}

/** Of that, what its first thread took: the event loop, without collectors' helpers and what the database does in the background. */
export function loopCpuSeconds(pid: number): number {
  return cpuSecondsIn(`/proc/${pid}/task/${pid}/stat`);
}

function cpuSecondsIn(path: string): number {
  const stat = readFileSync(path, "utf8");
  // The name, in parentheses, may hold spaces; of what follows it, utime and stime are fields 14 and 15 of the whole line.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Resident set size in bytes, now and at its highest. */
export function residentBytes(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1024;
  return { now: kilobytes("VmRSS"), peak: kilobytes("VmHWM") };
}

/** The machine's load of the last minute. */
export function loadAverage(): number {
  return Number(readFileSync("/proc/loadavg", "utf8").split(" ")[0]);
}
