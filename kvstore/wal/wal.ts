import { assert, type Clock } from "../../base/mod.ts";
import { type Init, walpb } from "../../proto/mod.ts";
import type { Entry, HardState } from "../../raft/mod.ts";
import { failpoints } from "../failpoint/mod.ts";
import type { MemberMetrics } from "../metrics/mod.ts";
import { Batch } from "./batch.ts";
import type { File, Files } from "./files.ts";
import { type SegmentName, segmentName } from "./names.ts";
import { recordTypes } from "./record.ts";
import { type Replay, replay } from "./replay.ts";

export interface WalOptions {
  readonly files: Files;
  readonly directory: string;
  /** Called at most once, with the first error of the disk. Nothing is acknowledged from then on: the member must stop. */
  readonly onFailure: (error: Error) => void;
  /** Absent: nothing is timed or counted. */
  readonly measure?: {
    readonly clock: Clock;
    readonly metrics: Pick<MemberMetrics, "walFsyncSeconds" | "walWriteSeconds" | "walWrittenBytes">;
  };
  /** A segment that reached this size is the last but one. Default: 64 000 000, as etcd's. */
  readonly segmentBytes?: number;
}

/** One group commit: frames, and whom to tell when they are durable. */
interface Group {
  readonly batch: Batch;
  waiting: (() => void)[];
  /** Set if the batch opens a new segment. */
  opens: SegmentName | undefined;
}

/**
 * The log on disk, open for appending. What is appended while a write is under way becomes the next write: however many
 * callers there are, the disk syncs once per write.
 *
 * Invariant: frames reach the disk in the order of the calls, one write at a time, and nothing is written after a failure,
 * since a failed sync may have dropped pages that a retry would then report as written.
 */
export class Wal {
  readonly #files: Files;
  readonly #directory: string;
  readonly #onFailure: (error: Error) => void;
  readonly #measure: WalOptions["measure"];
  readonly #segmentBytes: number;
  readonly #metadata: Uint8Array;
  readonly #lock: { release(): Promise<void> };
  /** Oldest first; never empty. The last is the one being written. */
  readonly #segments: SegmentName[];
  #file: File;
  /** Where the next write goes. */
  #offset: number;
  /** The segment after the last, made in advance under a name that is no segment's. */
  #spare: Promise<File> | undefined;
  #hardState: HardState;
  #lastIndex: number;
  /** Being filled; the other of the two is being written, or idle. */
  #filling: Group;
  #idle: Group;
  #writing = false;
  #writingSinceMs = 0;
  #failed = false;
  #failure: Error | undefined;
  #drained: (() => void) | undefined;
  /** Whom to tell if the disk fails. */
  readonly #lost = new Set<(error: Error) => void>();

  private constructor(
    options: WalOptions,
    lock: { release(): Promise<void> },
    metadata: walpb.Metadata,
    segments: SegmentName[],
    file: File,
    end: { offset: number; crc: number; hardState: HardState; lastIndex: number },
  ) {
    this.#files = options.files;
    this.#directory = options.directory;
    this.#onFailure = options.onFailure;
    this.#measure = options.measure;
    this.#segmentBytes = options.segmentBytes ?? defaultSegmentBytes;
    this.#lock = lock;
    this.#metadata = walpb.Metadata.encode(metadata);
    this.#segments = segments;
    this.#file = file;
    this.#offset = end.offset;
    this.#hardState = end.hardState;
    this.#lastIndex = end.lastIndex;
    this.#filling = { batch: new Batch(end.crc), waiting: [], opens: undefined };
    this.#idle = { batch: new Batch(end.crc), waiting: [], opens: undefined };
    this.#prepareSpare();
  }

  /**
   * Takes the directory for this process and makes a log in it, durable when the promise resolves: an empty one, or one that begins with these
   * entries. A crash leaves all of it or no log.
   */
  static async create(
    options: WalOptions,
    metadata: walpb.Metadata,
    beginning: { readonly entries: readonly Entry[]; readonly hardState: HardState } | undefined = undefined,
  ): Promise<Wal> {
    const { files, directory } = options;
    await files.makeDirectory(directory);
    const lock = await files.lock(`${directory}/lock`);
    try {
      const first = { name: segmentName(0, 0), sequence: 0, firstIndex: 0 };
      const file = await files.create(`${directory}/0.tmp`);
      await file.truncate(options.segmentBytes ?? defaultSegmentBytes);
      const batch = new Batch(0);
      batch.crcRecord();
      batch.record(recordTypes.metadata, walpb.Metadata.encode(metadata));
      batch.record(recordTypes.snapshot, walpb.Snapshot.encode({ index: 0, term: 0 }));
      for (const entry of beginning?.entries ?? []) batch.entry(entry);
      if (beginning !== undefined) batch.hardState(beginning.hardState);
      await writeDurably(file, batch.bytes, 0);
      // The name appears only when the file is whole, so that a crash leaves either no log or a good one.
      await files.rename(`${directory}/0.tmp`, `${directory}/${first.name}`);
      await files.syncDirectory(directory);
      const { hardState = noHardState, entries = [] } = beginning ?? {};
      const end = { offset: batch.length, crc: batch.crc, hardState, lastIndex: entries.at(-1)?.index ?? 0 };
      return new Wal(options, lock, walpb.Metadata.create(metadata), [first], file, end);
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /** Takes the directory for this process and reads its log, cutting off a torn tail; undefined if there is no log. */
  static async open(options: WalOptions): Promise<{ wal: Wal; replay: Replay } | undefined> {
    const { files, directory } = options;
    await files.makeDirectory(directory);
    const lock = await files.lock(`${directory}/lock`);
    try {
      const found = await replay(files, directory);
      if (found === undefined) {
        await lock.release();
        return undefined;
      }
      const segments = [...found.segments];
      const file = await files.open(`${directory}/${segments.at(-1)!.name}`);
      // Of a write that a crash cut off, later sectors may be there and the first not: then the log ends cleanly before what would be taken
      // for damage once the log has grown up to it. (etcd zeroes the rest of the file, too.)
      await file.truncate(found.end.offset);
      const segmentBytes = options.segmentBytes ?? defaultSegmentBytes;
      if ((await file.size()) < segmentBytes) await file.truncate(segmentBytes);
      const lastIndex = Math.max(found.entries.at(-1)?.index ?? 0, found.snapshots.at(-1)?.index ?? 0);
      const end = { ...found.end, hardState: found.hardState, lastIndex };
      return { wal: new Wal(options, lock, found.metadata, segments, file, end), replay: found };
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  /**
   * Appends entries, then the hard state. `done` is called when they, and all before them, are durable, and never after a
   * failure. An entry at an index that is already there replaces it and all behind it.
   */
  append(entries: readonly Entry[], hardState: HardState | undefined, done?: () => void): void {
    if (this.#failed) return;
    const startMs = this.#measure?.clock.monotonic() ?? 0;
    const group = this.#groupToFill();
    for (const entry of entries) {
      group.batch.entry(entry);
      this.#lastIndex = entry.index;
    }
    if (hardState !== undefined) {
      group.batch.hardState(hardState);
      this.#hardState = hardState;
    }
    this.#measure?.metrics.walWriteSeconds.observe((this.#measure.clock.monotonic() - startMs) / 1000);
    if (done !== undefined) this.#wait(group, done);
    this.#flush();
  }

  /** With nothing in the group there is nothing to write either: `done` waits for what is being written, if anything is. */
  #wait(group: Group, done: () => void): void {
    if (group.batch.length > 0) group.waiting.push(done);
    else if (this.#writing) this.#idle.waiting.push(done);
    else queueMicrotask(done);
  }

  /** Notes that the state at `snapshot.index` is durable elsewhere. A hard state that commits it must follow. */
  snapshot(snapshot: Init<walpb.Snapshot>, done?: () => void): void {
    if (this.#failed) return;
    const group = this.#groupToFill();
    group.batch.record(recordTypes.snapshot, walpb.Snapshot.encode(snapshot));
    this.#lastIndex = Math.max(this.#lastIndex, walpb.Snapshot.create(snapshot).index);
    if (done !== undefined) group.waiting.push(done);
    this.#flush();
  }

  /** Resolves when all that was appended so far is durable; rejects with the disk's error if it will never be. */
  durable(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) reject(this.#failure);
      else if (this.#failed)
        resolve(); // closed
      else {
        this.#lost.add(reject);
        this.#wait(this.#filling, () => {
          this.#lost.delete(reject);
          resolve();
        });
      }
    });
  }

  /** Removes the segments that hold nothing at or above `index`, oldest first. */
  async release(index: number): Promise<void> {
    while (this.#segments.length > 1 && this.#segments[1]!.firstIndex <= index) {
      const oldest = this.#segments.shift()!;
      await this.#files.remove(`${this.#directory}/${oldest.name}`);
      await this.#files.syncDirectory(this.#directory);
    }
  }

  /** Waits until all that was appended is durable (or failed), and lets go of the directory. */
  async close(): Promise<void> {
    if (this.#writing) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
    this.#failed = true;
    await this.#file.close();
    const spare = await this.#spare?.catch(() => undefined); // its failure was reported when it happened
    await spare?.close();
    await this.#lock.release();
  }

  /** The group that takes the next record. A new one opens a new segment if the last is full. */
  #groupToFill(): Group {
    const group = this.#filling;
    if (group.batch.length > 0) return group;
    const before = this.#writing ? this.#idle.batch : undefined;
    group.batch.clear(before?.crc ?? group.batch.crc);
    // A batch under way that opens a segment starts that segment at 0.
    const start = before === undefined ? this.#offset : (this.#idle.opens ? 0 : this.#offset) + before.length;
    if (start < this.#segmentBytes) return group;
    const sequence = (this.#idle.opens ?? this.#segments.at(-1)!).sequence + 1;
    const firstIndex = this.#lastIndex + 1;
    group.opens = { name: segmentName(sequence, firstIndex), sequence, firstIndex };
    group.batch.crcRecord();
    group.batch.record(recordTypes.metadata, this.#metadata);
    if (this.#hardState !== noHardState) group.batch.hardState(this.#hardState);
    return group;
  }

  #flush(): void {
    if (this.#writing || this.#failed || this.#filling.batch.length === 0) return;
    const group = this.#filling;
    this.#filling = this.#idle;
    this.#idle = group;
    this.#writing = true;
    this.#writingSinceMs = this.#measure?.clock.monotonic() ?? 0;
    if (failpoints.armed) failpoints.pass("walBeforeSync", () => this.#write(group));
    else this.#write(group);
  }

  #write(group: Group): void {
    if (group.opens === undefined) {
      this.#file.writeDurably(group.batch.bytes, this.#offset, (error) => this.#written(group, error));
    } else {
      this.#cut(group, group.opens).then(
        () => this.#written(group, undefined),
        (error: Error) => this.#written(group, error),
      );
    }
  }

  /** Begins a segment with this group: written under another name, and renamed when it is durable. */
  async #cut(group: Group, segment: SegmentName): Promise<void> {
    // What was made in advance and never used is cut off, so that a full segment ends where its records end.
    await this.#file.truncate(this.#offset);
    await this.#file.close();
    assert(this.#spare !== undefined, "the next segment is always being made");
    const file = await this.#spare;
    await writeDurably(file, group.batch.bytes, 0);
    await this.#files.rename(`${this.#directory}/${spareName}`, `${this.#directory}/${segment.name}`);
    await this.#files.syncDirectory(this.#directory);
    this.#file = file;
    this.#offset = 0;
    this.#segments.push(segment);
    this.#prepareSpare();
  }

  #written(group: Group, error: Error | undefined): void {
    if (failpoints.armed && error === undefined) failpoints.pass("walAfterSync", () => this.#settle(group, error));
    else this.#settle(group, error);
  }

  #settle(group: Group, error: Error | undefined): void {
    this.#writing = false;
    if (error !== undefined) this.#fail(error);
    if (this.#failed) {
      this.#drained?.();
      return;
    }
    this.#offset += group.batch.length;
    if (this.#measure !== undefined) {
      const { clock, metrics } = this.#measure;
      metrics.walFsyncSeconds.observe((clock.monotonic() - this.#writingSinceMs) / 1000);
      metrics.walWrittenBytes.value += group.batch.length;
    }
    const { waiting } = group;
    group.waiting = [];
    group.opens = undefined;
    if (this.#filling.batch.length === 0) this.#filling.batch.clear(group.batch.crc);
    group.batch.clear(group.batch.crc);
    this.#flush();
    for (const done of waiting) done();
    if (!this.#writing) this.#drained?.();
  }

  #fail(error: Error): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#failure = error;
    this.#onFailure(error);
    for (const lost of this.#lost) lost(error);
  }

  #prepareSpare(): void {
    const spare = this.#makeSpare();
    this.#spare = spare;
    spare.catch((error: Error) => this.#fail(error));
  }

  async #makeSpare(): Promise<File> {
    const file = await this.#files.create(`${this.#directory}/${spareName}`);
    await file.truncate(this.#segmentBytes);
    return file;
  }
}

const defaultSegmentBytes = 64_000_000;
const spareName = "next.tmp";
const noHardState: HardState = { term: 0, vote: 0n, commit: 0 };

function writeDurably(file: File, bytes: Uint8Array, position: number): Promise<void> {
  return new Promise((resolve, reject) =>
    file.writeDurably(bytes, position, (error) => (error === undefined ? resolve() : reject(error))),
  );
}
