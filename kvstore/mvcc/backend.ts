import { assert, type Clock, type Timer } from "../../base/mod.ts";
import { failpoints } from "../failpoint/mod.ts";
import type { MemberMetrics } from "../metrics/mod.ts";
import { type ByteString, toByteString } from "./byte-string.ts";
import type { Change, Engine, Entry } from "./engine.ts";
import { work as packedRuns, unpackRun } from "./packed-runs.ts";
import { startWork, type Work } from "./work.ts";

/** etcd's buckets, each a range of the engine's keys behind one letter. The letters have the order of the names, so that all records in
 * the engine's order are in the order of a file of etcd. */
const prefixes = {
  alarm: "a",
  auth: "b",
  authRoles: "c",
  authUsers: "d",
  cluster: "e",
  key: "k",
  lease: "l",
  members: "m",
  members_removed: "n",
  meta: "t",
} as const;

export type Bucket = keyof typeof prefixes;
const buckets = Object.keys(prefixes) as readonly Bucket[];
const bucketOfPrefix = new Map<number, Bucket>(buckets.map((bucket) => [prefixes[bucket].charCodeAt(0), bucket]));

export interface BackendRecord extends Entry {
  readonly bucket: Bucket;
}

/** A put into a bucket, or a delete when `value` is undefined. */
export interface BatchChange extends Change {
  readonly bucket: Bucket;
}

/** Whoever keeps its own unwritten records hands them over when a batch is cut. */
export interface BatchSource {
  /** What has changed up to this moment. It is gone through once, before `written`, and in parts, between which more may change: a
   * slow disk lets much come together, too much to be looked at in one go. */
  drain(): Iterable<BatchChange>;
  /** What was drained last is written. */
  written?(): void;
}

export interface BackendOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly metrics: Pick<MemberMetrics, "commitSeconds" | "commitWriteSeconds" | "defragSeconds" | "defragInflight">;
  /** A write that fails leaves memory ahead of the disk for good: the member has to stop. Called once. */
  readonly onFailure: (error: unknown) => void;
  /** Resolves when the log is durable up to what has been changed here by now: entries may be applied before they are. A state on the disk that
   * is ahead of the log there would miss entries after a crash. Default: it always is. */
  readonly logged?: (() => Promise<void>) | undefined;
  /** How long a change may wait for its batch. Default 100. */
  readonly intervalMs?: number;
  /** Changes that make a batch go at once, so that they do not pile up in memory. Default 5000. */
  readonly batchLimit?: number;
}

/** Buckets of records over an engine. Changes are visible at once and written in the background, in batches; all that
 * was changed without awaiting in between lies in one batch, so an entry's data and the applied index never part.
 * Nothing here is urgent: what a crash loses is applied again from the WAL. */
export class Backend {
  readonly #engine: Engine;
  readonly #clock: Clock;
  readonly #metrics: BackendOptions["metrics"];
  readonly #onFailure: (error: unknown) => void;
  readonly #logged: (() => Promise<void>) | undefined;
  readonly #intervalMs: number;
  readonly #batchLimit: number;
  readonly #sources: BatchSource[] = [];
  /** Changed and in no batch yet. */
  #pending = new Map<ByteString, Uint8Array | undefined>();
  /** In the batch that is being written. */
  #writing: ReadonlyMap<ByteString, Uint8Array | undefined> = new Map();
  #changes = 0;
  #changedBytes = 0;
  #timer: Timer | undefined;
  #timerIsUrgent = false;
  /** Batches are written one after the other. */
  #tail: Promise<void> = Promise.resolve();
  #closed = false;
  #measuredBytes = 0;
  #bytesSinceMeasured = 0;

  private constructor(options: BackendOptions) {
    this.#engine = options.engine;
    this.#clock = options.clock;
    this.#metrics = options.metrics;
    this.#onFailure = options.onFailure;
    this.#logged = options.logged;
    this.#intervalMs = options.intervalMs ?? 100;
    this.#batchLimit = options.batchLimit ?? 5000;
  }

  static async open(options: BackendOptions): Promise<Backend> {
    const backend = new Backend(options);
    await backend.measure();
    return backend;
  }

  /** Takes part in every batch from now on. */
  addSource(source: BatchSource): void {
    this.#sources.push(source);
  }

  get(bucket: Bucket, key: ByteString): Uint8Array | undefined {
    const name = prefixes[bucket] + key;
    if (this.#pending.has(name)) return this.#pending.get(name);
    if (this.#writing.has(name)) return this.#writing.get(name);
    return this.#engine.get(name);
  }

  put(bucket: Bucket, key: ByteString, value: Uint8Array): void {
    this.#pending.set(prefixes[bucket] + key, value);
    this.changed();
  }

  delete(bucket: Bucket, key: ByteString): void {
    this.#pending.set(prefixes[bucket] + key, undefined);
    this.changed();
  }

  /** A source has something to write, of so many bytes. */
  changed(bytes = 0): void {
    this.#changes++;
    this.#changedBytes += bytes;
    if (this.#closed) return;
    const urgent = this.#changes >= this.#batchLimit || this.#changedBytes >= urgentBytes;
    if (this.#timer !== undefined && (this.#timerIsUrgent || !urgent)) return;
    this.#timer?.cancel();
    this.#timerIsUrgent = urgent;
    this.#timer = this.#clock.after(urgent ? 0 : this.#intervalMs, () => {
      this.commit().catch(() => undefined); // `onFailure` has been told
    });
  }

  /** All changes made before this call are durable when it resolves; after `close`, when none will be any more. */
  commit(): Promise<void> {
    if (this.#closed) return this.#tail;
    this.#tail = this.#tail.then(() => this.#writeBatch());
    return this.#tail;
  }

  /** Records of one bucket that are written, with `from` <= key < `to`, in key order. */
  async *scan(bucket: Bucket, from: ByteString = "", to?: ByteString, run?: number): AsyncGenerator<readonly Entry[]> {
    const prefix = prefixes[bucket];
    const end = to === undefined ? afterPrefix(prefix) : prefix + to;
    for await (const entries of this.#engine.scan(prefix + from, end, run)) {
      yield entries.map(withoutPrefix);
    }
  }

  /** As `scan`, for what may be much: it costs this thread as little as can be. Entries may be used until the next run is asked for. */
  async *scanAll(bucket: Bucket, from: ByteString = "", to?: ByteString): AsyncGenerator<readonly Entry[]> {
    const prefix = prefixes[bucket];
    const end = to === undefined ? afterPrefix(prefix) : prefix + to;
    for await (const entries of await this.#scanAll(prefix + from, end)) yield entries.map(withoutPrefix);
  }

  async #scanAll(from: ByteString, to: ByteString): Promise<AsyncGenerator<readonly Entry[]>> {
    const packed = await this.#engine.workElsewhere?.(packedRuns, from, to);
    return packed === undefined ? this.#engine.scan(from, to) : unpacked(packed);
  }

  /** Commits, then streams all records as of one batch, by bucket in order of the names, then by key: a snapshot at the applied index that it
   * holds itself. Records may be used until the next run is asked for. */
  async *exportRecords(): AsyncGenerator<readonly BackendRecord[]> {
    yield* withBuckets(await this.#asOfOneBatch(() => this.#scanAll("", "\xff")));
  }

  /** Commits, then has `work` done on all records, all its scans as of one batch; `withBuckets` makes records of them. The pieces must
   * be read to their end, or left, or given up by `signal`: until then they hold on to that state of the disk. */
  work(work: Work, signal?: AbortSignal): Promise<AsyncGenerator<Uint8Array>> {
    return this.#asOfOneBatch(() => startWork(this.#engine, work, "", "\xff", signal));
  }

  /** In line with the batches: none is written while `open` is under way. */
  #asOfOneBatch<T>(open: () => Promise<T>): Promise<T> {
    const written = this.#tail.then(() => (this.#closed ? undefined : this.#writeBatch()));
    const opened = written.then(open);
    // That it could not be opened is no failure of a batch.
    this.#tail = written.then(() => opened.then(nothing, nothing));
    this.#tail.catch(nothing); // whoever asked hears of it
    return opened;
  }

  /** Bytes on disk, measured after commits, plus those handed over since and those that wait to be. */
  get sizeBytes(): number {
    return this.#measuredBytes + this.#bytesSinceMeasured + this.#changedBytes;
  }

  async defragment(): Promise<void> {
    refuse("defragOpenFileError");
    const { defragInflight, defragSeconds } = this.#metrics;
    const startMs = this.#clock.monotonic();
    defragInflight.value = 1;
    try {
      await this.commit();
      if (failpoints.armed) await failpoints.pause("defragBeforeCopy");
      refuse("defragdbFail");
      await this.#engine.defragment();
      if (failpoints.armed) await failpoints.pause("defragBeforeRename");
      await this.measure();
      defragSeconds.observe((this.#clock.monotonic() - startMs) / 1000);
    } finally {
      defragInflight.value = 0;
    }
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const last = this.commit();
    this.#closed = true;
    try {
      await last;
    } finally {
      this.#timer?.cancel();
      await this.#engine.close();
    }
  }

  /** What is changed from now on is not written: background work has no use any more. */
  get closed(): boolean {
    return this.#closed;
  }

  async #writeBatch(): Promise<void> {
    if (failpoints.armed) await failpoints.pause("commitBeforePreCommitHook");
    const startMs = this.#clock.monotonic();
    const changes = this.#cutBatch();
    if (changes === undefined) return;
    const cutMs = this.#clock.monotonic();
    if (failpoints.armed) await failpoints.pause("commitAfterPreCommitHook");
    try {
      await this.#logged?.();
      if (failpoints.armed) await failpoints.pause("beforeCommit");
      await this.#engine.write(changes);
      const writtenMs = this.#clock.monotonic();
      this.#metrics.commitWriteSeconds.observe((writtenMs - cutMs) / 1000);
      this.#metrics.commitSeconds.observe((writtenMs - startMs) / 1000);
      if (failpoints.armed) await failpoints.pause("afterCommit");
      if (failpoints.armed) await failpoints.pause("beforeWritebackBuf");
      this.#writing = new Map();
      for (const source of this.#sources) source.written?.();
      if (failpoints.armed) await failpoints.pause("afterWritebackBuf");
      if (failpoints.armed) await failpoints.pause("beforeStartDBTxn");
      if (failpoints.armed) await failpoints.pause("afterStartDBTxn");
      if (this.#bytesSinceMeasured > Math.max(remeasureBytes, this.#measuredBytes * remeasureShare))
        await this.measure();
    } catch (error) {
      this.#onFailure(error);
      throw error;
    }
  }

  /** What has changed, later changes of a key behind earlier ones; undefined if nothing has. */
  #cutBatch(): Iterable<Change> | undefined {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerIsUrgent = false;
    if (this.#changes === 0) return undefined;
    this.#bytesSinceMeasured += this.#changedBytes;
    this.#changes = 0;
    this.#changedBytes = 0;
    this.#writing = this.#pending;
    this.#pending = new Map();
    for (const [key, value] of this.#writing) this.#bytesSinceMeasured += key.length + (value?.length ?? 0);
    return inEngine(
      this.#sources.map((source) => source.drain()),
      this.#writing,
    );
  }

  /** Looks at the disk, where space may have come back since the last write. */
  async measure(): Promise<void> {
    this.#bytesSinceMeasured = 0;
    this.#measuredBytes = await this.#engine.sizeBytes();
  }
}

/** Measuring means to look at every file: the more there are, the less often, so that a write to a large database costs no more. */
const remeasureBytes = 1 << 20;
const remeasureShare = 1 / 64;
/** Large changes do not wait in memory for many others. */
const urgentBytes = 8 << 20;

function nothing(): void {
  // Only that it is over matters.
}

function refuse(name: "defragOpenFileError" | "defragdbFail"): void {
  const refused = failpoints.armed ? failpoints.returned(name) : undefined;
  if (refused !== undefined) throw new Error(String(refused.value));
}

/** Changes of the sources and of the backend's own records as the engine knows them. */
function* inEngine(
  drained: readonly Iterable<BatchChange>[],
  own: ReadonlyMap<ByteString, Uint8Array | undefined>,
): Generator<Change> {
  for (const changes of drained)
    for (const { bucket, key, value } of changes) yield { key: prefixes[bucket] + key, value };
  for (const [key, value] of own) yield { key, value };
}

function afterPrefix(prefix: string): ByteString {
  return String.fromCharCode(prefix.charCodeAt(0) + 1);
}

function withoutPrefix({ key, value }: Entry): Entry {
  return { key: key.subarray(1), value };
}

async function* unpacked(pieces: AsyncGenerator<Uint8Array>): AsyncGenerator<readonly Entry[]> {
  for await (const piece of pieces) yield unpackRun(piece);
}

/** The engine's entries as records of buckets. */
export async function* withBuckets(runs: AsyncGenerator<readonly Entry[]>): AsyncGenerator<readonly BackendRecord[]> {
  for await (const entries of runs) {
    yield entries.map(({ key, value }) => {
      const bucket = bucketOfPrefix.get(key[0] as number);
      assert(bucket !== undefined, "every record lies in a bucket");
      return { bucket, key: key.subarray(1), value };
    });
  }
}

/** Fills an empty engine with what `exportRecords` gave elsewhere. */
export async function importRecords(engine: Engine, records: AsyncIterable<readonly BackendRecord[]>): Promise<void> {
  for await (const run of records) {
    await engine.write(run.map(({ bucket, key, value }) => ({ key: prefixes[bucket] + toByteString(key), value })));
  }
}
