import { chmodSync, chownSync, mkdirSync, statSync } from "node:fs";
import { type Pod, Quantity, type Volume } from "../../../controlplane/api/mod.ts";
import { run } from "../runtime/embedded/spawn.ts";
import { isMountPoint } from "./mount-table.ts";
import { VolumeError } from "./volume-error.ts";

export interface EmptyDirContext {
  readonly pod: Pod;
  /** Whether this process may mount: without, memory volumes are directories. */
  readonly canMount: boolean;
  /** Of the node, for pods: no memory volume is larger. */
  readonly memoryBytes: number;
}

/** Makes the directory, unless it is there. What is in it stays until the pod is gone; in memory, until the node's end. */
export async function makeEmptyDir(
  dir: string,
  emptyDir: NonNullable<Volume["emptyDir"]>,
  context: EmptyDirContext,
): Promise<void> {
  const { medium = "" } = emptyDir;
  if (medium !== "" && medium !== "Memory") throw new VolumeError(`unknown storage medium ${JSON.stringify(medium)}`);
  const inMemory = medium === "Memory" && context.canMount;
  const isThere = statSync(dir, { throwIfNoEntry: false }) !== undefined;
  // The directory alone does not tell: a crash, or the machine's, may have come between it and its mount.
  if (isThere && (!inMemory || isMountPoint(dir))) return;
  mkdirSync(dir, { recursive: true });
  if (inMemory) {
    const size = memorySize(emptyDir.sizeLimit, context);
    await run(["mount", "-t", "tmpfs", "-o", `nosuid,nodev,size=${size}`, "tmpfs", dir]);
  }
  const group = context.pod.spec.securityContext?.fsGroup;
  if (group !== undefined) chownSync(dir, -1, group);
  chmodSync(dir, group === undefined ? 0o777 : 0o2777);
}

/** As large as its limit, and no larger than what the pod may use: what is written there counts as its memory. */
function memorySize(sizeLimit: string | undefined, { pod, memoryBytes }: EmptyDirContext): number {
  const limits = pod.spec.containers.map(({ resources }) => resources?.limits?.memory);
  const podLimit = limits.every((limit) => limit !== undefined)
    ? limits.reduce((sum, limit) => sum + Quantity.of(limit).value(), 0)
    : memoryBytes;
  const own = Quantity.of(sizeLimit).value();
  return Math.min(own > 0 ? own : memoryBytes, podLimit > 0 ? podLimit : memoryBytes, memoryBytes);
}
