import { readFileSync } from "node:fs";

/** The state of a process, as ps shows it: R, S, D, T (stopped), Z; undefined when there is none (proc(5)). */
export function processState(pid: number): string | undefined {
  try {
    // The name, in parentheses, may hold anything, parentheses too.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
  } catch {
    return undefined;
  }
}
