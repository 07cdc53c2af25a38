import type { ByteString } from "./byte-string.ts";
import type { Work } from "./work.ts";

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** A put, or a delete when `value` is undefined. */
export interface Change {
  readonly key: ByteString;
  readonly value: ByteString | Uint8Array | undefined;
}

/** The ordered key-value store underneath, and the seam: LevelDB on a disk, a map in tests and in the simulator. Both
 * pass the suite of `engine.testing.ts`. */
export interface Engine {
  get(key: ByteString): Uint8Array | undefined;
  /** Atomic and durable when the promise resolves; later changes of a key win over earlier ones. Whoever writes waits
   * for one write before the next, so that a crash loses at most the last. `changes` are gone through once, in as many turns of the
   * event loop as it takes. */
  write(changes: Iterable<Change>): Promise<void>;
  /** Entries with `from` <= key < `to` in key order, as of this call, in runs of at most `run` entries. */
  scan(from: ByteString, to: ByteString, run?: number): AsyncGenerator<readonly Entry[]>;
  /** What takes long on a thread of its own, where the engine has one and it is worth it; its scans are all of one moment between this
   * call and its answer. Rejects, as do the pieces, once `signal` is aborted or the engine closed. The pieces must be read to their end, or left, or
   * given up by `signal`. */
  workElsewhere?(
    work: Work,
    from: ByteString,
    to: ByteString,
    signal?: AbortSignal,
  ): Promise<AsyncGenerator<Uint8Array> | undefined>;
  /** Bytes taken on the disk. */
  sizeBytes(): Promise<number>;
  /** Gives the space of what was deleted back. */
  defragment(): Promise<void>;
  close(): Promise<void>;
}

/** Where an engine's data lies. Holds one engine, except while another takes its place. */
export interface EngineHome {
  open(): Promise<Engine>;
  /** An empty engine to be filled beside the current one, left over from no earlier attempt. */
  openSuccessor(): Promise<Successor>;
}

export interface Successor {
  readonly engine: Engine;
  /** From here on, even across a crash, this is what `open` opens. The old engine works until it is closed. */
  takeOver(): Promise<void>;
}
