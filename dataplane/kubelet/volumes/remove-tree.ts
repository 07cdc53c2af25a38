import { rmSync } from "node:fs";
import { run } from "../runtime/embedded/spawn.ts";
import { mountPointsIn } from "./mount-table.ts";

/** Unmounts whatever is mounted in the directory. */
export async function unmountIn(dir: string): Promise<void> {
  // Lazily: a process that still has a file open there would otherwise keep the pod from ending.
  for (const path of mountPointsIn(dir)) await run(["umount", "-l", path]);
}

/** Removes a directory of a pod. Rejects while anything is mounted there: the files would be somebody's data. Idempotent. */
export function removeTree(dir: string): void {
  const [mounted] = mountPointsIn(dir);
  if (mounted !== undefined) throw new Error(`${mounted} is still mounted`);
  rmSync(dir, { recursive: true, force: true });
}
