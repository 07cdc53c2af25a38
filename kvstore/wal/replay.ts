import { Failure } from "../../base/mod.ts";
import { raftpb, WireError, walpb } from "../../proto/mod.ts";
import type { Entry, HardState } from "../../raft/mod.ts";
import { noBytes } from "../../raft/mod.ts";
import type { Files } from "./files.ts";
import { parseSegmentName, type SegmentName } from "./names.ts";
import { recordTypes } from "./record.ts";
import { readSegment } from "./segment.ts";

/** All that a log on disk says. */
export interface Replay {
  readonly metadata: walpb.Metadata;
  readonly hardState: HardState;
  /** Contiguous; overwritten ones left out. The oldest may be any index, since old segments are removed. */
  readonly entries: Entry[];
  /** In the order written; the first is the empty one a log is born with, unless its segment is gone. */
  readonly snapshots: readonly walpb.Snapshot[];
  readonly segments: readonly SegmentName[];
  /** Where the last segment ends, and the checksum to go on with. */
  readonly end: { readonly offset: number; readonly crc: number; readonly torn: boolean };
}

/** Reads the segments in `directory`; undefined if there are none. Rejects with a `Failure` if what was durable is damaged. */
export async function replay(files: Files, directory: string): Promise<Replay | undefined> {
  const segments = await listSegments(files, directory);
  if (segments.length === 0) return undefined;
  const reader = new Reader(segments[0]!.firstIndex);
  let crc: number | undefined;
  for (const [position, segment] of segments.entries()) {
    const path = `${directory}/${segment.name}`;
    const previous = segments[position - 1];
    if (previous !== undefined && segment.sequence !== previous.sequence + 1) {
      throw damaged(`${directory}: the segment after ${previous.name} is missing`);
    }
    const file = await files.open(path);
    try {
      const end = await readSegment(file, crc, (record) => reader.visit(record, path));
      const last = position === segments.length - 1;
      if (end.state === "damaged" || (end.state === "torn" && !last)) {
        throw damaged(`${path} at byte ${end.offset}: ${end.problem}`);
      }
      crc = end.crc;
      if (last) return reader.finish(segments, end.offset, end.crc, end.state === "torn", path);
    } finally {
      await file.close();
    }
  }
  return undefined;
}

async function listSegments(files: Files, directory: string): Promise<SegmentName[]> {
  const names = await files.list(directory);
  return names.map(parseSegmentName).filter((segment) => segment !== undefined);
}

export function damaged(what: string): Failure {
  return new Failure(
    "WalDamaged",
    `the write-ahead log is damaged: ${what}`,
    "Nothing was changed. Restore this member's data directory, or remove the member from the cluster, delete the directory and add it again",
  );
}

/**
 * Puts the records of all segments together. The checksum of a record covers its data, not its type (etcd's format), so one
 * whose type was damaged may still look like another's: what no log can say is refused here.
 */
class Reader {
  /** An entry that begins the log has at most this index. */
  #mayBegin: number;
  #metadata: walpb.Metadata | undefined;
  #hardState: HardState = { term: 0, vote: 0n, commit: 0 };
  #entries: Entry[] = [];
  readonly #snapshots: walpb.Snapshot[] = [];

  /** `firstIndex`: of the name of the first segment. */
  constructor(firstIndex: number) {
    this.#mayBegin = firstIndex;
  }

  visit(record: walpb.Record, path: string): void {
    try {
      this.#take(record, path);
    } catch (error) {
      if (error instanceof WireError) throw damaged(`${path}: what a record holds is not well formed`);
      throw error;
    }
  }

  #take(record: walpb.Record, path: string): void {
    switch (record.type) {
      case recordTypes.metadata: {
        const metadata = walpb.Metadata.decode(record.data);
        const known = this.#metadata;
        if (known !== undefined && (known.nodeID !== metadata.nodeID || known.clusterID !== metadata.clusterID)) {
          throw damaged(`${path}: it belongs to another member than the segments before it`);
        }
        this.#metadata = metadata;
        return;
      }
      case recordTypes.entry:
        this.#append(raftpb.Entry.decode(record.data), path);
        return;
      case recordTypes.hardState: {
        const hardState = raftpb.HardState.decode(record.data);
        const known = this.#hardState.term;
        if (hardState.term < known) throw damaged(`${path}: term ${hardState.term} follows term ${known}`);
        this.#hardState = hardState;
        return;
      }
      case recordTypes.snapshot: {
        const snapshot = walpb.Snapshot.decode(record.data);
        this.#snapshots.push(snapshot);
        // A snapshot from the leader replaces a log that does not reach it, or that has something else there: what follows in it
        // conflicts, too. One of our own lies within the log.
        if (snapshot.index > this.#lastIndex || this.#conflicts(snapshot)) this.#entries = [];
        this.#mayBegin = Math.max(this.#mayBegin, snapshot.index + 1);
        return;
      }
      case recordTypes.crc:
        return;
      default:
        throw damaged(`${path}: a record of unknown type ${record.type}`);
    }
  }

  get #lastIndex(): number {
    return this.#entries.at(-1)?.index ?? 0;
  }

  #conflicts({ index, term, confState }: walpb.Snapshot): boolean {
    // A hard state whose type was damaged looks like a snapshot, too, but has no configuration.
    const first = confState === undefined ? undefined : this.#entries[0];
    const own = first === undefined ? undefined : this.#entries[index - first.index];
    return own !== undefined && own.term !== term;
  }

  #append(entry: raftpb.Entry, path: string): void {
    const first = this.#entries[0];
    if (entry.index === 0) throw damaged(`${path}: an entry without an index`);
    if (first === undefined) {
      if (entry.index > this.#mayBegin)
        throw damaged(`${path}: the log begins with entry ${entry.index}, what is before it is missing`);
    } else {
      if (entry.index > this.#lastIndex + 1) {
        throw damaged(`${path}: entry ${entry.index} follows entry ${this.#lastIndex}`);
      }
      // An entry overwrites what stood at its index and all behind it (§5.3).
      this.#entries.length = Math.max(0, entry.index - first.index);
    }
    const before = this.#entries.at(-1)?.term ?? 0;
    if (entry.term < before) throw damaged(`${path}: an entry of term ${entry.term} follows one of term ${before}`);
    // A copy, so that a small entry does not keep the chunk it was read in.
    const data = entry.data.length === 0 ? noBytes : entry.data.slice();
    this.#entries.push({ ...entry, data });
  }

  finish(segments: readonly SegmentName[], offset: number, crc: number, torn: boolean, path: string): Replay {
    if (this.#metadata === undefined) throw damaged(`${path}: it does not say whose log it is`);
    return {
      metadata: this.#metadata,
      hardState: this.#hardState,
      entries: this.#entries,
      snapshots: this.#snapshots,
      segments,
      end: { offset, crc, torn },
    };
  }
}
