import { type Clock, goDuration, type Log, type Timer } from "../../base/mod.ts";
import type { AutoCompaction } from "./options.ts";

const hourMs = 3_600_000;
/** So many looks at the revision are taken in the time that is kept. */
const samplesPerInterval = 10;
const revisionIntervalMs = 300_000;

export interface AutoCompactorOptions {
  readonly retention: AutoCompaction;
  readonly clock: Clock;
  readonly log: Log;
  /** Others look on, and are ready to take over. */
  readonly isLeader: () => boolean;
  readonly revision: () => number;
  /** Whether it was compacted, by this or before. */
  readonly compact: (revision: number) => Promise<boolean>;
}

/**
 * Gives up history that is older than wanted, as etcd does. Periodic: the revision is noted ten times an hour (or ten times in a
 * shorter retention), and each hour (or retention) all before the oldest note goes. Revision: every five minutes all but the newest go.
 */
export class AutoCompactor {
  readonly #options: AutoCompactorOptions;
  #timer: Timer | undefined;
  #stopped = false;
  /** Oldest first: the first is what was current one retention ago, once there are enough of them. */
  readonly #notes: number[] = [];
  #last = 0;
  #lastSuccessMs: number;
  /** The first compaction waits a whole retention, the others an interval. */
  #waitMs: number;

  constructor(options: AutoCompactorOptions) {
    this.#options = options;
    this.#lastSuccessMs = options.clock.monotonic();
    this.#waitMs = options.retention.mode === "periodic" ? options.retention.retentionMs : 0;
    this.#next();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #next(): void {
    if (this.#stopped) return;
    const { retention, clock, revision } = this.#options;
    if (retention.mode === "revision") {
      this.#timer = clock.after(revisionIntervalMs, () => this.#round(revision() - retention.retention));
      return;
    }
    const intervalMs = Math.min(retention.retentionMs, hourMs);
    const stepMs = intervalMs / samplesPerInterval;
    this.#notes.push(revision());
    if (this.#notes.length > Math.floor(retention.retentionMs / stepMs) + 1) this.#notes.shift();
    this.#timer = clock.after(stepMs, () => {
      const isDue = clock.monotonic() - this.#lastSuccessMs >= this.#waitMs;
      if (isDue && this.#options.isLeader()) this.#waitMs = intervalMs;
      this.#round(isDue ? (this.#notes[0] as number) : 0);
    });
  }

  #round(revision: number): void {
    if (revision <= 0 || revision === this.#last || !this.#options.isLeader()) this.#next();
    else void this.#compact(revision).finally(() => this.#next());
  }

  async #compact(revision: number): Promise<void> {
    const { retention, clock, log, compact } = this.#options;
    const { mode } = retention;
    const fields =
      mode === "periodic"
        ? { revision, "compact-period": goDuration(retention.retentionMs) }
        : { revision, "revision-compaction-retention": retention.retention };
    log("info", `starting auto ${mode} compaction`, fields);
    const startedMs = clock.monotonic();
    if (!(await compact(revision))) {
      log("warn", `failed auto ${mode} compaction`, fields);
      return;
    }
    this.#last = revision;
    this.#lastSuccessMs = clock.monotonic();
    log("info", `completed auto ${mode} compaction`, { ...fields, took: goDuration(this.#lastSuccessMs - startedMs) });
  }
}
