import type { Clock, Timer } from "../../../../base/mod.ts";
import { processTree, residentBytes } from "./procfs.ts";

const everyMs = 200;

/**
 * Memory limits where the kernel enforces none (no control groups, as without root): looks at what the processes of a container hold, and tells
 * when that is more than allowed. A program that grows quickly gets further than its limit before it is caught.
 */
export class MemoryWatch {
  readonly #clock: Clock;
  readonly #exceeded: (containerId: string) => void;
  readonly #watched = new Map<string, { readonly pid: number; limitBytes: number }>();
  #timer: Timer | undefined;

  constructor(clock: Clock, exceeded: (containerId: string) => void) {
    this.#clock = clock;
    this.#exceeded = exceeded;
  }

  /** 0 or less: no limit (any more). */
  watch(containerId: string, pid: number, limitBytes: number): void {
    if (limitBytes > 0) this.#watched.set(containerId, { pid, limitBytes });
    else this.#watched.delete(containerId);
    if (this.#watched.size > 0) this.#timer ??= this.#clock.after(everyMs, () => this.#look());
  }

  forget(containerId: string): void {
    this.#watched.delete(containerId);
  }

  close(): void {
    this.#timer?.cancel();
    this.#watched.clear();
  }

  #look(): void {
    for (const [id, { pid, limitBytes }] of this.#watched) {
      if (usedBytes(pid) <= limitBytes) continue;
      this.#watched.delete(id);
      this.#exceeded(id);
    }
    this.#timer = this.#watched.size === 0 ? undefined : this.#clock.after(everyMs, () => this.#look());
  }
}

function usedBytes(pid: number): number {
  return processTree(pid).reduce((sum, one) => sum + residentBytes(one), 0);
}
