import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** A process, named so that a later process with a recycled pid is not taken for it. */
export interface ProcessRecord {
  readonly pid: number;
  /** Start time in clock ticks since boot (field 22 of /proc/PID/stat); empty where there is no /proc. */
  readonly startTime: string;
}

function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command name, in parentheses, may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined; // gone
  }
}

export function recordOf(pid: number): ProcessRecord {
  return { pid, startTime: startTimeOf(pid) ?? "" };
}

export function isAlive(record: ProcessRecord): boolean {
  return record.startTime !== "" && startTimeOf(record.pid) === record.startTime;
}

/**
 * The process that is meant by a pid: where that is an nsenter which waits for what it has started in another PID namespace, the one it waits for. Whoever
 * kills the one that waits leaves the other to process 1.
 */
export function innermost(pid: number): number {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ").filter(Boolean);
    if (child === undefined || readFileSync(`/proc/${pid}/comm`, "utf8").trim() !== "nsenter") return pid;
    return innermost(Number(child));
  } catch {
    return pid; // gone, or there is no /proc
  }
}

export function writeRecord(file: string, record: ProcessRecord): void {
  writeFileSync(file, JSON.stringify(record), { mode: 0o600 });
}

/** The process a file names, if it still runs. */
export function liveProcess(file: string): ProcessRecord | undefined {
  try {
    const record = JSON.parse(readFileSync(file, "utf8")) as ProcessRecord;
    return isAlive(record) ? record : undefined;
  } catch {
    return undefined; // never started, or killed while it wrote its record: then its environment still names it
  }
}

/** Asks with SIGTERM, insists with SIGKILL after `graceMs`, returns when all are gone. */
export async function endProcesses(records: readonly ProcessRecord[], graceMs: number): Promise<void> {
  const signal = (record: ProcessRecord, name: NodeJS.Signals) => {
    try {
      if (isAlive(record)) process.kill(record.pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  };
  for (const record of records) signal(record, "SIGTERM");
  const deadline = performance.now() + graceMs;
  while (records.some(isAlive) && performance.now() < deadline) await delay(20);
  for (const record of records) signal(record, "SIGKILL");
  while (records.some(isAlive)) await delay(10);
}

/** Processes that carry `NAME=value` in the environment they were started with; none where there is no /proc. */
export function processesWithEnvironment(name: string, value: string): ProcessRecord[] {
  const wanted = `${name}=${value}`;
  const found: ProcessRecord[] = [];
  let entries: string[];
  try {
    entries = readdirSync("/proc");
  } catch {
    return found;
  }
  for (const entry of entries) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    try {
      if (!readFileSync(`/proc/${entry}/environ`, "utf8").split("\0").includes(wanted)) continue;
    } catch {
      continue; // Gone, or not ours to read.
    }
    const pid = Number(entry);
    const record = recordOf(pid);
    if (isAlive(record) && innermost(pid) === pid) found.push(record);
  }
  return found;
}

export function forget(file: string): void {
  rmSync(file, { force: true });
}
