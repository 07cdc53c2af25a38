/** A member's id. Chosen once, never used again, not even after the member was removed. 0n is nobody. */
export type NodeId = bigint;
export type Term = number;
/** Position in the log. The first entry is 1; 0 stands before the log. */
export type Index = number;

export const nobody: NodeId = 0n;
export const noBytes: Uint8Array = new Uint8Array(0);

export const EntryType = { EntryNormal: 0, EntryConfChange: 1, EntryConfChangeV2: 2 } as const;
export type EntryType = (typeof EntryType)[keyof typeof EntryType];

export interface Entry {
  readonly type: EntryType;
  readonly term: Term;
  readonly index: Index;
  /** Empty in the entry a new leader opens its term with. */
  readonly data: Uint8Array;
}

/** What a node must find again after a crash. */
export interface HardState {
  readonly term: Term;
  /** Whom this node voted for in `term`. */
  readonly vote: NodeId;
  /** Highest index known committed. A hint: it may be older than the truth after a crash. */
  readonly commit: Index;
}

/** Membership as of an index. While `votersOutgoing` is not empty, decisions need both majorities (thesis §4.3). */
export interface ConfState {
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  readonly votersOutgoing: readonly NodeId[];
  /** Outgoing voters that become learners when the joint configuration is left. */
  readonly learnersNext: readonly NodeId[];
  readonly autoLeave: boolean;
}

export interface SnapshotMetadata {
  readonly confState: ConfState;
  readonly index: Index;
  readonly term: Term;
}

/** The state machine at `metadata.index`. `data` means something to the host only; it may be a reference or empty. */
export interface Snapshot {
  readonly data: Uint8Array;
  readonly metadata: SnapshotMetadata;
}

/**
 * Numbered as in etcd's raftpb. Some never travel there or here: what a host tells its own node is a method of RawNode,
 * not a message.
 */
export const MessageType = {
  MsgHup: 0,
  MsgBeat: 1,
  MsgProp: 2,
  MsgApp: 3,
  MsgAppResp: 4,
  MsgVote: 5,
  MsgVoteResp: 6,
  MsgSnap: 7,
  MsgHeartbeat: 8,
  MsgHeartbeatResp: 9,
  MsgUnreachable: 10,
  MsgSnapStatus: 11,
  MsgCheckQuorum: 12,
  MsgTransferLeader: 13,
  MsgTimeoutNow: 14,
  MsgReadIndex: 15,
  MsgReadIndexResp: 16,
  MsgPreVote: 17,
  MsgPreVoteResp: 18,
  MsgStorageAppend: 19,
  MsgStorageAppendResp: 20,
  MsgStorageApply: 21,
  MsgStorageApplyResp: 22,
  MsgForgetLeader: 23,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

/** One message between members. Which fields count depends on `type`; the others are zero or empty. */
export interface Message {
  readonly type: MessageType;
  readonly to: NodeId;
  readonly from: NodeId;
  /** The sender's term; the term asked for in (pre-)vote messages; 0 in what is merely passed on to the leader. */
  readonly term: Term;
  /** Term of the entry at `index` (MsgApp, MsgVote), or at `rejectHint` (rejections). */
  readonly logTerm: Term;
  readonly index: Index;
  readonly entries: readonly Entry[];
  readonly commit: Index;
  readonly snapshot?: Snapshot | undefined;
  readonly reject: boolean;
  readonly rejectHint: Index;
  readonly context: Uint8Array;
  /** MsgHeartbeatResp: the sender's. MsgHeartbeat: the highest among the voters that could take over from the sender. */
  readonly priority: number;
}

export const ConfChangeType = {
  ConfChangeAddNode: 0,
  ConfChangeRemoveNode: 1,
  ConfChangeUpdateNode: 2,
  ConfChangeAddLearnerNode: 3,
} as const;
export type ConfChangeType = (typeof ConfChangeType)[keyof typeof ConfChangeType];

export interface ConfChangeSingle {
  readonly type: ConfChangeType;
  readonly nodeId: NodeId;
}

export const ConfChangeTransition = {
  /** Joint only when more than one voter changes; then left automatically. */
  ConfChangeTransitionAuto: 0,
  /** Joint, left automatically. */
  ConfChangeTransitionJointImplicit: 1,
  /** Joint, left by another change. */
  ConfChangeTransitionJointExplicit: 2,
} as const;
export type ConfChangeTransition = (typeof ConfChangeTransition)[keyof typeof ConfChangeTransition];

/** A change of membership. No changes at all: leave the joint configuration. */
export interface ConfChangeV2 {
  readonly transition: ConfChangeTransition;
  readonly changes: readonly ConfChangeSingle[];
  readonly context: Uint8Array;
}

/** The older form: exactly one change. */
export interface ConfChange {
  readonly id: bigint;
  readonly type: ConfChangeType;
  readonly nodeId: NodeId;
  readonly context: Uint8Array;
}

export function asConfChangeV2(change: ConfChange): ConfChangeV2 {
  return {
    transition: ConfChangeTransition.ConfChangeTransitionAuto,
    changes: [{ type: change.type, nodeId: change.nodeId }],
    context: change.context,
  };
}

export function emptyConfState(): ConfState {
  return { voters: [], learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
}

/** Not on its way yet: who sends it fills in who it is from, and which term it is in, where that is not said. */
export type UnsignedMessage = Message & { from: NodeId; term: Term };

/** A message with every field that `fields` does not name zero or empty. All messages have one shape, for the engine's sake. */
export function message(
  type: MessageType,
  to: NodeId,
  fields: Partial<Omit<Message, "type" | "to">> = {},
): UnsignedMessage {
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
    priority: fields.priority ?? 0,
  };
}

/** Bytes an entry is charged for where messages and batches are bounded: its data and about what the codec adds. */
export function entrySizeBytes(entry: Entry): number {
  return entry.data.length + 16;
}
