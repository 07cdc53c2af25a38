import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { pidsWithEnvironment, proportionalSetSize } from "./memory.ts";

const flotilla = join(import.meta.dirname, "..", "cli", "flotilla.ts");
/** What start-up left behind is collected by then, and nothing else happens in an idle cluster. */
const settleMs = 15_000;

/** Starts a cluster as `npm start` does, lets it idle, and adds up the proportional set sizes of all its processes. */
export async function freshClusterMemory(parent: string): Promise<{ bytes: number; processes: number }> {
  const folder = mkdtempSync(join(parent, "flotilla-memory-"));
  const root = join(folder, "c");
  const run = (...args: string[]) => {
    const { status } = spawnSync(process.execPath, [flotilla, ...args, "--name", "bench", "--data-dir", root], {
      stdio: "inherit",
    });
    if (status !== 0) throw new Error(`flotilla ${args[0]} failed`);
  };
  try {
    run("up", "--nodes", "2", "--detach");
    await delay(settleMs);
    const pids = pidsWithEnvironment("FLOTILLA_CLUSTER_DIR", root);
    return { bytes: pids.reduce((sum, pid) => sum + proportionalSetSize(pid), 0), processes: pids.length };
  } finally {
    run("down");
    rmSync(folder, { recursive: true, force: true });
  }
}
