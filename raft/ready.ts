import type { Entry, HardState, Index, Message, NodeId, Snapshot } from "./types.ts";

export type Role = "follower" | "pre-candidate" | "candidate" | "leader";

/** What a node believes right now. Never stored. */
export interface SoftState {
  readonly role: Role;
  /** 0n: nobody known. */
  readonly leader: NodeId;
}

/** Reads that asked with `context` may be answered from a state machine that has applied `index` or later. */
export interface ReadState {
  readonly index: Index;
  readonly context: Uint8Array;
}

/**
 * What the host owes the node. It may take the next Ready before this one is done: entries, snapshot and committed
 * entries are handed out once. Three things may go on at the same time, each in the order of `number`:
 *
 * 1. Send `messages`. They may leave before anything below is durable: a leader's appends race its own disk
 *    (thesis §10.2.1).
 * 2. Write `snapshot`, then `entries`, then `hardState`; fsync if `mustSync`; then make the entries readable through
 *    Storage, send `messagesAfterPersist`, and call `persisted(number)`. A vote or an acknowledgement that a crash
 *    could undo must not have been announced (thesis §3.8).
 * 3. Apply `snapshot` (once it is durable), then `committed`, in index order; call `applied(index)`, once for each snapshot:
 *    one that was asked for may be at the index that was applied before. Nothing that comes after a snapshot is handed out
 *    before the snapshot is reported as applied.
 */
export interface Ready {
  /** 1, 2, 3, … within the life of a node object. */
  readonly number: number;
  /** Set when it changed. */
  readonly softState: SoftState | undefined;
  /** Set when it changed. */
  readonly hardState: HardState | undefined;
  /** Replaces all that was stored at and above `entries[0].index`. Indexes are contiguous. */
  readonly entries: readonly Entry[];
  /** Replaces the whole log: afterwards the log starts after `metadata.index`. */
  readonly snapshot: Snapshot | undefined;
  /**
   * There are entries, or a snapshot, or term or vote changed. If false a hardState only carries a newer commit: write
   * it in order, no fsync needed, for what was committed is durable on a quorum without it.
   */
  readonly mustSync: boolean;
  readonly messages: readonly Message[];
  /** Vote requests, vote answers and append answers: only after Ready 1..number is durable. */
  readonly messagesAfterPersist: readonly Message[];
  /** To be applied. Durable on a quorum; durable here too, unless the node was told that it need not be (`applyUnstable`). */
  readonly committed: readonly Entry[];
  readonly readStates: readonly ReadState[];
}
