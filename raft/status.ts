import { toConfState } from "./confchange/membership.ts";
import type { Raft } from "./raft.ts";
import type { Role } from "./ready.ts";
import type { ProgressState } from "./tracker/progress.ts";
import type { ConfState, Index, NodeId, Term } from "./types.ts";

/** What a leader knows about a member. */
export interface ProgressStatus {
  readonly match: Index;
  readonly next: Index;
  readonly state: ProgressState;
  /** No appends until the next sign of life. */
  readonly paused: boolean;
  readonly recentActive: boolean;
  /** Index of the snapshot on its way, or 0. */
  readonly pendingSnapshot: Index;
  readonly inflightMessages: number;
  readonly inflightBytes: number;
  /** Index of the snapshot it asked for, or later; or 0. */
  readonly requestedSnapshot: Index;
  readonly priority: number;
}

export interface Status {
  readonly id: NodeId;
  readonly term: Term;
  readonly vote: NodeId;
  readonly role: Role;
  /** 0n: nobody known. */
  readonly leader: NodeId;
  readonly committed: Index;
  readonly applied: Index;
  readonly lastIndex: Index;
  readonly confState: ConfState;
  /** Whom a leader is handing over to, or 0n. */
  readonly transferee: NodeId;
  /** Waits for the snapshot it asked for. */
  readonly snapshotWanted: boolean;
  /** The disk has something to write and makes no progress: see `stalledDiskTicks`. */
  readonly diskStalled: boolean;
  /** By member, this one included. Empty unless leading. */
  readonly progress: ReadonlyMap<NodeId, ProgressStatus>;
}

export function statusOf(raft: Raft): Status {
  const { term, vote, commit } = raft.hardState;
  const progress = new Map<NodeId, ProgressStatus>();
  for (const [id, one] of raft.leadership?.progress ?? []) {
    progress.set(id, {
      match: one.match,
      next: one.next,
      state: one.state,
      paused: one.paused,
      recentActive: one.recentActive,
      pendingSnapshot: one.pendingSnapshot,
      inflightMessages: one.inflights.count,
      inflightBytes: one.inflights.sizeBytes,
      requestedSnapshot: one.requestedSnapshot,
      priority: one.priority,
    });
  }
  return {
    id: raft.id,
    term,
    vote,
    role: raft.role,
    leader: raft.leader,
    committed: commit,
    applied: raft.log.applied,
    lastIndex: raft.log.lastIndex,
    confState: toConfState(raft.membership),
    transferee: raft.leadership?.transferee ?? 0n,
    snapshotWanted: raft.snapshotWanted,
    diskStalled: raft.diskStalled,
    progress,
  };
}
