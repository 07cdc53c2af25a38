import { readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Clock } from "../../../base/mod.ts";
import type { RuntimeService } from "../runtime/cri.ts";

const maxBytes = 10 << 20;
/** Including the one that is written. */
const maxFiles = 5;

/** Sets aside log files that have grown too large: a rename, then the runtime opens a new one. */
export async function rotateLogs(runtime: RuntimeService, clock: Clock): Promise<void> {
  for (const { id, state } of await runtime.listContainers()) {
    if (state !== "CONTAINER_RUNNING") continue;
    const { logPath } = await runtime.containerStatus(id);
    if ((statSync(logPath, { throwIfNoEntry: false })?.size ?? 0) < maxBytes) continue;
    renameSync(logPath, `${logPath}.${new Date(clock.now()).toISOString().replaceAll(/[-:]|\.\d+Z$/g, "")}`);
    await runtime.reopenContainerLog(id);
    const old = readdirSync(dirname(logPath))
      .filter((name) => name.startsWith(`${basename(logPath)}.`))
      .sort();
    for (const name of old.slice(0, Math.max(0, old.length - (maxFiles - 1)))) rmSync(join(dirname(logPath), name));
  }
}
