import type { Clock } from "../../base/mod.ts";
import { failpoints } from "../failpoint/mod.ts";
import type { MemberMetrics } from "../metrics/mod.ts";
import type { Backend } from "./backend.ts";
import type { ByteString } from "./byte-string.ts";
import type { History } from "./history.ts";
import type { KeyIndex } from "./key-index.ts";
import { finishedKey, readRevision, writeRevision } from "./meta.ts";
import type { SortedMap } from "./sorted-map.ts";

/** Keys looked at, and versions dropped, in one go: about 2 ms. */
const sliceKeys = 2000;
const sliceDrops = 1000;

/** How a compaction spreads its work. */
export interface CompactionPace {
  /** Versions that are dropped before what was dropped is written, at most and by default 1000. */
  readonly batchLimit?: number;
  /** How long it then waits. Default 0: until others had their turn. */
  readonly sleepMs?: number;
}

/** What a compaction came to. */
export interface CompactionReport {
  readonly revision: number;
  readonly dropped: number;
  readonly tookMs: number;
}

export interface CompactorOptions {
  readonly index: SortedMap<KeyIndex>;
  readonly history: History;
  readonly backend: Backend;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
  readonly metrics: Pick<MemberMetrics, "compactionPauseMs">;
  readonly pace?: CompactionPace;
  readonly onFinished?: (report: CompactionReport) => void;
}

/** Removes what reads can no longer ask for. The index knows every revision, so the keys are walked and not the disk;
 * slice by slice, between which the store works on. */
export class Compactor {
  readonly #options: CompactorOptions;
  /** Sweeps, and what must not see one, one after the other. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: CompactorOptions) {
    this.#options = options;
  }

  /** Resolves when everything before `revision` is gone from the disk. Rejects, and tells `onFailure`, when that failed. */
  schedule(revision: number): Promise<void> {
    const done = this.#tail.then(() => this.#sweep(revision));
    done.catch(this.#options.onFailure);
    this.#tail = done;
    return done;
  }

  /** After a restart: finishes what was scheduled, unless it was finished before. */
  resume(scheduled: number): void {
    if (readRevision(this.#options.backend, finishedKey) !== scheduled) this.schedule(scheduled);
  }

  /** Runs `job` while no sweep does. */
  holding<T>(job: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(job);
    this.#tail = done.catch(() => undefined); // whoever asked hears of it
    return done;
  }

  async #sweep(revision: number): Promise<void> {
    const { clock, backend, metrics, pace = {}, onFinished } = this.#options;
    const limit = Math.min(pace.batchLimit ?? sliceDrops, sliceDrops);
    const startMs = clock.monotonic();
    let dropped = 0;
    let uncommitted = 0;
    // What a crash finds half swept, it finds scheduled.
    if (failpoints.armed) await failpoints.pause("compactBeforeCommitScheduledCompact");
    await backend.commit();
    if (failpoints.armed) await failpoints.pause("compactAfterCommitScheduledCompact");
    for (let next: ByteString | undefined = ""; next !== undefined; ) {
      if (failpoints.armed) await failpoints.pause("compactAfterAcquiredBatchTxLock");
      const sliceMs = clock.monotonic();
      const slice: Slice = this.#sweepSlice(next, revision, limit);
      metrics.compactionPauseMs.observe(clock.monotonic() - sliceMs);
      next = slice.next;
      dropped += slice.dropped;
      uncommitted += slice.dropped;
      const isFull = uncommitted >= limit;
      // What is dropped waits in memory until it is committed, and a large batch stalls the loop: not too much of it.
      if (isFull) {
        await this.#commitSlice();
        uncommitted = 0;
      }
      await new Promise<void>((resolve) => clock.after(isFull ? (pace.sleepMs ?? 0) : 0, resolve));
      // The rest is done when the store is opened again.
      if (backend.closed) return;
    }
    await this.#commitSlice();
    if (failpoints.armed) await failpoints.pause("compactBeforeSetFinishedCompact");
    writeRevision(backend, finishedKey, revision);
    if (failpoints.armed) await failpoints.pause("compactAfterSetFinishedCompact");
    await backend.commit();
    onFinished?.({ revision, dropped, tookMs: clock.monotonic() - startMs });
  }

  async #commitSlice(): Promise<void> {
    if (failpoints.armed) await failpoints.pause("compactBeforeCommitBatch");
    await this.#options.backend.commit();
    if (failpoints.armed) await failpoints.pause("compactAfterCommitBatch");
  }

  #sweepSlice(from: ByteString, revision: number, limit: number): Slice {
    const { index, history } = this.#options;
    const emptied: ByteString[] = [];
    let next: ByteString | undefined;
    let seen = 0;
    let dropped = 0;
    index.visit(from, undefined, (entry, key) => {
      if (seen++ === sliceKeys || dropped >= limit) {
        next = key;
        return false;
      }
      entry.compact(revision, (version) => {
        history.drop(version);
        dropped++;
      });
      if (entry.empty) emptied.push(key);
      return true;
    });
    for (const key of emptied) index.delete(key);
    return { next, dropped };
  }
}

interface Slice {
  /** Where to go on. */
  readonly next: ByteString | undefined;
  readonly dropped: number;
}
