import type { ConfState, Entry, HardState, Index, Snapshot, Term } from "./types.ts";

/**
 * The durable part of the log, as the node reads it: synchronously, so the host keeps what was not compacted in memory
 * or in a page it can read at once. An error thrown here is the end of the node.
 */
export interface Storage {
  /** As found on disk, with the membership as of the snapshot the log starts from. */
  initialState(): { hardState: HardState; confState: ConfState };
  /** First index whose entry is still there; `firstIndex() - 1` is the index of the snapshot the log starts from. */
  firstIndex(): Index;
  /** `firstIndex() - 1` when there are no entries. */
  lastIndex(): Index;
  /** Of `firstIndex() - 1` .. `lastIndex()`; undefined outside. */
  term(index: Index): Term | undefined;
  /** Entries [low, high), cut short at `maxBytes` but never below one entry. Within firstIndex() .. lastIndex() + 1. */
  entries(low: Index, high: Index, maxBytes: number): readonly Entry[];
  /**
   * The newest snapshot a follower could be sent, if that is not older than `atLeast`; undefined while one is being made:
   * it is asked for again. The follower takes it only if it is a member in it: a host that keeps an older one puts a newer
   * one into the MsgSnap when it sends that.
   */
  snapshot(atLeast: Index): Snapshot | undefined;
}
