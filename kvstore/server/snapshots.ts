import { assert, fromUtf8, type Log } from "../../base/mod.ts";
import type { MemoryStorage, Message, Snapshot } from "../../raft/mod.ts";
import { failpoints } from "../failpoint/mod.ts";
import type { BackendRecord, State } from "../mvcc/mod.ts";
import { encodeRun, type SnapshotRecord, type SnapshotStage, type Stages } from "../snap/mod.ts";
import type { Wal } from "../wal/mod.ts";
import { confStateFromJson, type Membership } from "./membership.ts";
import type { OutgoingSnapshot } from "./peer/snapshot-sender.ts";

export interface SnapshotsOptions {
  readonly stages: Stages;
  readonly state: () => State;
  readonly membership: Membership;
  readonly storage: MemoryStorage;
  readonly wal: Wal;
  readonly log: Log;
  readonly snapshotCount: number;
  readonly catchupEntries: number;
  /** Nothing of the log is ever removed from the disk. */
  readonly keepsLog?: boolean;
  /** Lowest index that a follower who answers still lacks; `Infinity` if none does, or this member does not lead. */
  readonly neededIndex: () => number;
}

/** A follower that catches up holds the log back, but not without end: past so many times the usual length it starts over. */
const patience = 10;

/** In one chunk on the wire: small enough that encoding them does not hold up the loop. */
const chunkRecords = 200;

/** Keeps the log short, and moves the state to members that the short log no longer serves. */
export class Snapshots {
  readonly #options: SnapshotsOptions;
  #lastIndex: number;
  #compacting = false;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
    this.#lastIndex = options.storage.snapshot(0)?.metadata.index ?? 0;
  }

  /** After entries were applied: compacts the log when enough of them have come together. */
  async maybeCompact(): Promise<void> {
    const { snapshotCount, catchupEntries, state, membership, storage, wal, log } = this.#options;
    const { index: applied, term } = state().store.applied;
    if (this.#compacting || applied - this.#lastIndex < snapshotCount) return;
    this.#compacting = true;
    try {
      const { confState } = membership;
      // What the log forgets must be on the disk as state, and before that in the log.
      await state().backend.commit();
      if (failpoints.armed) await failpoints.pause("raftBeforeWALSaveSnaphot");
      wal.snapshot({ index: applied, term, confState });
      storage.createSnapshot(applied, confState, new Uint8Array(0), term);
      this.#lastIndex = applied;
      const usual = applied - catchupEntries;
      const needed = Math.max(this.#options.neededIndex(), applied - patience * (snapshotCount + catchupEntries));
      const forgotten = Math.min(usual, needed - 1);
      if (forgotten < storage.firstIndex()) return;
      storage.compact(forgotten);
      if (this.#options.keepsLog !== true) await wal.release(forgotten);
      if (failpoints.armed) await failpoints.pause("raftAfterWALRelease");
      log("debug", "compacted the log", { snapshot: applied, first: forgotten + 1 });
    } finally {
      this.#compacting = false;
    }
  }

  /** A follower asked for a snapshot. It is made of the state when it is sent: here it is only said that there is one. */
  offerWanted(): void {
    const { state, storage, membership } = this.#options;
    const wanted = storage.wantedSnapshot;
    const { index, term } = state().store.applied;
    if (wanted === undefined || index < wanted || this.#compacting) return;
    storage.createSnapshot(index, membership.confState, new Uint8Array(0), term);
  }

  /**
   * The state as of one batch of the backend, which is at least as new as what `message` announces. The index it stands for
   * is among the records; the message that the receiver hands to Raft is made when it was seen.
   */
  async open(message: Message): Promise<OutgoingSnapshot> {
    const meta = new Map<string, Uint8Array>();
    const records = this.#options.state().backend.exportRecords();
    return {
      chunks: chunksOf(records, (key, value) => meta.set(key, value.slice())),
      message: () => withMetadata(message, meta),
    };
  }

  stage(): Promise<SnapshotStage> {
    return this.#options.stages.open();
  }

  staged(name: string): AsyncIterable<readonly BackendRecord[]> {
    return this.#options.stages.read(name) as AsyncIterable<readonly BackendRecord[]>;
  }

  /** A snapshot was installed: the log begins there, and what was staged is of no more use. */
  async installed(snapshot: Snapshot): Promise<void> {
    this.#lastIndex = snapshot.metadata.index;
    await this.#options.stages.removeAll();
  }
}

async function* chunksOf(
  runs: AsyncIterable<readonly BackendRecord[]>,
  onMeta: (key: string, value: Uint8Array) => void,
): AsyncGenerator<Uint8Array> {
  for await (const run of runs) {
    for (const { bucket, key, value } of run) if (bucket === "meta") onMeta(fromUtf8(key), value);
    for (let at = 0; at < run.length; at += chunkRecords) {
      yield encodeRun(run.slice(at, at + chunkRecords) as readonly SnapshotRecord[]);
    }
  }
}

/** Index, term and membership as the exported records themselves have them. */
function withMetadata(message: Message, meta: ReadonlyMap<string, Uint8Array>): Message {
  const number = (key: string) => {
    const bytes = meta.get(key);
    assert(bytes !== undefined, "a state that was applied to knows its index and term");
    return Number(Buffer.from(bytes).readBigUInt64BE(0));
  };
  const confState = meta.get("confState");
  assert(confState !== undefined, "a state that was applied to knows its configuration");
  const metadata = {
    index: number("consistent_index"),
    term: number("term"),
    confState: confStateFromJson(fromUtf8(confState)),
  };
  return { ...message, snapshot: { data: new Uint8Array(0), metadata } };
}
