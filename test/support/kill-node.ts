import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestCluster } from "./cluster.ts";

/** What a node that loses power does: its agent and everything that runs in its pods ends at once, without a word. The supervisor starts the agent again. */
export async function killNode(cluster: TestCluster, name: string): Promise<void> {
  const shimsOf = join(cluster.root, "nodes", name, "runtime", "containers");
  const parents = new Map<number, number>();
  const doomed = new Set([await cluster.pidOf(name)]);
  for (const entry of readdirSync("/proc").filter((one) => /^\d+$/.test(one))) {
    const pid = Number(entry);
    const stat = unlessGone(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
    const command = unlessGone(() => readFileSync(`/proc/${pid}/cmdline`, "utf8"));
    if (stat === undefined || command === undefined) continue;
    parents.set(pid, Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    if (command.includes(shimsOf)) doomed.add(pid);
  }
  const isDoomed = (pid: number): boolean => doomed.has(pid) || (parents.has(pid) && isDoomed(parents.get(pid) ?? 0));
  for (const pid of [...parents.keys()].filter(isDoomed)) unlessGone(() => process.kill(pid, "SIGKILL"));
}

function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
