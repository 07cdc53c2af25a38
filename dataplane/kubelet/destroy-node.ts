import { readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runtimeDirOf } from "./root-dir.ts";
import { destroyContainerd, endContainerd } from "./runtime/containerd/containerd.ts";
import { findShims } from "./runtime/embedded/find-shims.ts";
import { destroyKeptGroups } from "./runtime/embedded/hierarchies.ts";
import { killMarked } from "./runtime/embedded/process-driver.ts";
import {
  allProcesses,
  isAlive,
  isNsenter,
  namespaceOf,
  pinnedNamespace,
  processTree,
  signal,
} from "./runtime/embedded/procfs.ts";
import { type ContainerRecord, loadRecords } from "./runtime/embedded/records.ts";
import { unmountBelow } from "./runtime/embedded/unmount.ts";

/**
 * Ends everything a kubelet with this root directory has started and made: containers, mounts, namespaces, control groups; the files stay, and
 * a kubelet started on them makes its pods anew. The kubelet itself must be gone. Works from the host's namespace, after SIGKILL too. Idempotent.
 */
export async function stopNode(options: { readonly rootDir: string }): Promise<void> {
  const rootDir = resolve(options.rootDir);
  const stateDir = runtimeDirOf(rootDir);
  if (process.platform === "linux") await killProcesses(stateDir);
  if (process.platform === "linux") await endContainerd({ rootDir });
  await unmountBelow(rootDir);
  await destroyKeptGroups(stateDir);
}

/** stopNode, and the files too: afterwards nothing tells that there was a node. Idempotent. */
export async function destroyNode(options: { readonly rootDir: string }): Promise<void> {
  await stopNode(options);
  if (process.platform === "linux") await destroyContainerd(options);
  rmSync(options.rootDir, { recursive: true, force: true });
}

/** Again and again until nobody is left: between looking and killing, a shell may have forked. */
async function killProcesses(stateDir: string): Promise<void> {
  const containersDir = join(stateDir, "containers");
  const ids = new Set(namesIn(containersDir));
  const records = ids.size === 0 ? [] : loadRecords<ContainerRecord>(containersDir).records;
  const hosts = new Set(
    namesIn(join(stateDir, "sandboxes"))
      .map((id) => pinnedNamespace(join(stateDir, "sandboxes", id, "uts"), "uts"))
      .filter((namespace) => namespace !== undefined),
  );
  for (;;) {
    const shims = new Set(findShims(containersDir).values());
    const doomed = new Set(records.filter(({ pid, pidStart }) => isAlive(pid, pidStart)).map(({ pid }) => pid));
    for (const shim of shims) for (const pid of processTree(shim)) doomed.add(pid);
    for (const pid of hosts.size === 0 ? [] : allProcesses()) {
      if (pid !== process.pid && hosts.has(namespaceOf(pid, "uts") ?? "") && isAlive(pid, "")) doomed.add(pid);
    }
    killMarked((id) => ids.has(id));
    if (doomed.size === 0) return;
    // Who waits for others goes last, so that the others are reaped by whom they belong to and not left to process 1.
    const others = [...doomed].filter((pid) => !shims.has(pid) && !isNsenter(pid) && isAlive(pid, ""));
    for (const pid of others.length > 0 ? others : doomed) signal(pid, "SIGKILL");
    // Dying takes the kernel a moment, above all the first process of a PID namespace, which waits for the others.
    await delay(10);
  }
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
