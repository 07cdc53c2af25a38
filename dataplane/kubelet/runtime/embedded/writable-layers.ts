import { existsSync, statfsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../../../base/mod.ts";
import type { FilesystemUsage } from "../cri.ts";
import { usageBelow } from "./embedded-images.ts";

/** A tree on disk is walked this often at most: who asks for statistics asks every few seconds. */
const freshMs = 15_000;

/** How much containers have written to their own roots. */
export class WritableLayers {
  readonly #clock: Clock;
  readonly #known = new Map<string, { readonly usage: FilesystemUsage; readonly atMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `dir`: the container's directory; `pid`: its first process. Undefined: nothing is known. */
  async usage(dir: string, pid: number): Promise<FilesystemUsage | undefined> {
    const up = join(dir, "layer/up");
    // In memory, it is seen from inside only; there the root's file system is that of its upper layer.
    if (!existsSync(up)) return inMemory(`/proc/${pid}/root`);
    const known = this.#known.get(dir);
    const now = this.#clock.monotonic();
    if (known !== undefined && now - known.atMs < freshMs) return known.usage;
    const usage = { mountpoint: up, ...(await usageBelow(up)) };
    this.#known.set(dir, { usage, atMs: now });
    return usage;
  }

  forget(dir: string): void {
    this.#known.delete(dir);
  }
}

function inMemory(root: string): FilesystemUsage | undefined {
  try {
    const { bsize, blocks, bfree, files, ffree } = statfsSync(root);
    return { mountpoint: root, usedBytes: (blocks - bfree) * bsize, inodesUsed: files - ffree };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EACCES" || code === "ESRCH") return undefined; // it ended meanwhile
    throw error;
  }
}
