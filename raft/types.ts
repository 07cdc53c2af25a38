/** A member's id. Chosen once, never used again, not even after the member was removed. 0n is nobody. */
export type NodeId = bigint;
export type Term = number;
/** Position in the log. The first entry is 1; 0 stands before the log. */
export type Index = number;

export const nobody: NodeId = 0n;
export const noBytes: Uint8Array = new Uint8Array(0);

export type EntryType = "EntryNormal" | "EntryConfChange" | "EntryConfChangeV2";

export interface Entry {
  type: EntryType;
  term: Term;
  index: Index;
  /** Empty in the entry a new leader opens its term with. */
  data: Uint8Array;
}

/** What a node must find again after a crash. */
export interface HardState {
  term: Term;
  /** Whom this node voted for in `term`. */
  vote: NodeId;
  /** Highest index known committed. A hint: it may be older than the truth after a crash. */
  commit: Index;
}

/** Membership as of an index. While `votersOutgoing` is not empty, decisions need both majorities (thesis §4.3). */
export interface ConfState {
  voters: NodeId[];
  learners: NodeId[];
  votersOutgoing: NodeId[];
  /** Outgoing voters that become learners when the joint configuration is left. */
  learnersNext: NodeId[];
  autoLeave: boolean;
}

export interface SnapshotMetadata {
  confState: ConfState;
  index: Index;
  term: Term;
}

/** The state machine at `metadata.index`. `data` means something to the host only; it may be a reference or empty. */
export interface Snapshot {
  data: Uint8Array;
  metadata: SnapshotMetadata;
}

export type MessageType =
  | "MsgHup"
  | "MsgBeat"
  | "MsgProp"
  | "MsgApp"
  | "MsgAppResp"
  | "MsgVote"
  | "MsgVoteResp"
  | "MsgSnap"
  | "MsgHeartbeat"
  | "MsgHeartbeatResp"
  | "MsgUnreachable"
  | "MsgSnapStatus"
  | "MsgCheckQuorum"
  | "MsgTransferLeader"
  | "MsgTimeoutNow"
  | "MsgReadIndex"
  | "MsgReadIndexResp"
  | "MsgPreVote"
  | "MsgPreVoteResp"
  | "MsgStorageAppend"
  | "MsgStorageAppendResp"
  | "MsgStorageApply"
  | "MsgStorageApplyResp"
  | "MsgForgetLeader";

/** One message between members. Which fields count depends on `type`; the others are zero or empty. */
export interface Message {
  type: MessageType;
  to: NodeId;
  from: NodeId;
  /** The sender's term; the term asked for in (pre-)vote messages; 0 in what is merely passed on to the leader. */
  term: Term;
  /** Term of the entry at `index` (MsgApp, MsgVote), or at `rejectHint` (rejections). */
  logTerm: Term;
  index: Index;
  entries: Entry[];
  commit: Index;
  snapshot?: Snapshot | undefined;
  reject: boolean;
  rejectHint: Index;
  context: Uint8Array;
}

export type ConfChangeType =
  | "ConfChangeAddNode"
  | "ConfChangeRemoveNode"
  | "ConfChangeUpdateNode"
  | "ConfChangeAddLearnerNode";

export interface ConfChangeSingle {
  type: ConfChangeType;
  nodeId: NodeId;
}

export type ConfChangeTransition =
  | "ConfChangeTransitionAuto"
  | "ConfChangeTransitionJointImplicit"
  | "ConfChangeTransitionJointExplicit";

/** A change of membership. No changes at all: leave the joint configuration. */
export interface ConfChangeV2 {
  transition: ConfChangeTransition;
  changes: ConfChangeSingle[];
  context: Uint8Array;
}

/** The older form: exactly one change. */
export interface ConfChange {
  id: bigint;
  type: ConfChangeType;
  nodeId: NodeId;
  context: Uint8Array;
}

export function asConfChangeV2(change: ConfChange): ConfChangeV2 {
  return {
    transition: "ConfChangeTransitionAuto",
    changes: [{ type: change.type, nodeId: change.nodeId }],
    context: change.context,
  };
}

export function emptyConfState(): ConfState {
  return { voters: [], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
}

/** A message with every field that `fields` does not name zero or empty. All messages have one shape, for the engine's sake. */
export function message(type: MessageType, to: NodeId, fields: Partial<Omit<Message, "type" | "to">> = {}): Message {
  return {
    type,
    to,
    from: fields.from ?? nobody,
    term: fields.term ?? 0,
    logTerm: fields.logTerm ?? 0,
    index: fields.index ?? 0,
    entries: fields.entries ?? [],
    commit: fields.commit ?? 0,
    snapshot: fields.snapshot,
    reject: fields.reject ?? false,
    rejectHint: fields.rejectHint ?? 0,
    context: fields.context ?? noBytes,
  };
}

/** Bytes an entry is charged for where messages and batches are bounded: its data and about what the codec adds. */
export function entrySizeBytes(entry: Entry): number {
  return entry.data.length + 16;
}
