import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** Processes that a node agent (by its pid) has started for sessions, and that are still there. The shims of containers are none of them. */
export function helpersOf(agent: number): string[] {
  const children = readFileSync(`/proc/${agent}/task/${agent}/children`, "utf8").split(" ").filter(Boolean);
  return children.flatMap((pid) => commandOf(pid)).filter((command) => !command.includes("flotilla-shim"));
}

function commandOf(pid: string): string[] {
  try {
    return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
  } catch {
    return []; // it ended meanwhile
  }
}

/** How many sockets a process has open. */
export function socketsOf(pid: number): number {
  const links = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return ""; // closed meanwhile
    }
  });
  return links.filter((link) => link.startsWith("socket:")).length;
}
