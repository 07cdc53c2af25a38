import {
  always,
  bigUint64,
  bool,
  bytes,
  embedded,
  enumeration,
  named,
  repeated,
  uint64,
  unpacked,
} from "../wire/field.ts";
import { type Infer, type MessageSchema, message, recursiveMessage } from "../wire/message.ts";

export const EntryType = { EntryNormal: 0, EntryConfChange: 1, EntryConfChangeV2: 2 } as const;
export type EntryType = (typeof EntryType)[keyof typeof EntryType];

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

export const ConfChangeTransition = {
  ConfChangeTransitionAuto: 0,
  ConfChangeTransitionJointImplicit: 1,
  ConfChangeTransitionJointExplicit: 2,
} as const;
export type ConfChangeTransition = (typeof ConfChangeTransition)[keyof typeof ConfChangeTransition];

export const ConfChangeType = {
  ConfChangeAddNode: 0,
  ConfChangeRemoveNode: 1,
  ConfChangeUpdateNode: 2,
  ConfChangeAddLearnerNode: 3,
} as const;
export type ConfChangeType = (typeof ConfChangeType)[keyof typeof ConfChangeType];

export const Entry = message("raftpb.Entry", {
  type: named("Type", always(enumeration(1, EntryType))),
  term: named("Term", always(uint64(2))),
  index: named("Index", always(uint64(3))),
  data: named("Data", bytes(4)),
});
export type Entry = Infer<typeof Entry>;

export const ConfState = message("raftpb.ConfState", {
  voters: unpacked(repeated(bigUint64(1))),
  learners: unpacked(repeated(bigUint64(2))),
  votersOutgoing: unpacked(repeated(bigUint64(3))),
  learnersNext: unpacked(repeated(bigUint64(4))),
  autoLeave: always(bool(5)),
});
export type ConfState = Infer<typeof ConfState>;

export const SnapshotMetadata = message("raftpb.SnapshotMetadata", {
  confState: always(embedded(1, () => ConfState)),
  index: always(uint64(2)),
  term: always(uint64(3)),
});
export type SnapshotMetadata = Infer<typeof SnapshotMetadata>;

export const Snapshot = message("raftpb.Snapshot", {
  data: bytes(1),
  metadata: always(embedded(2, () => SnapshotMetadata)),
});
export type Snapshot = Infer<typeof Snapshot>;

export interface Message {
  readonly type: MessageType;
  readonly to: bigint;
  readonly from: bigint;
  readonly term: number;
  readonly logTerm: number;
  readonly index: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
  readonly snapshot: Snapshot | undefined;
  readonly reject: boolean;
  readonly rejectHint: number;
  readonly context: Uint8Array;
  readonly vote: bigint;
  readonly responses: readonly Message[];
  /** Not etcd's: see raft's Message. */
  readonly priority: number;
}

export const Message: MessageSchema<Message> = recursiveMessage<Message>("raftpb.Message", {
  type: enumeration(1, MessageType),
  to: bigUint64(2),
  from: bigUint64(3),
  term: uint64(4),
  logTerm: named("logTerm", uint64(5)),
  index: uint64(6),
  entries: repeated(embedded(7, () => Entry)),
  commit: uint64(8),
  snapshot: embedded(9, () => Snapshot),
  reject: bool(10),
  rejectHint: named("rejectHint", uint64(11)),
  context: bytes(12),
  vote: bigUint64(13),
  responses: repeated(embedded(14, () => Message)),
  priority: uint64(100),
});

export const HardState = message("raftpb.HardState", {
  term: always(uint64(1)),
  vote: always(bigUint64(2)),
  commit: always(uint64(3)),
});
export type HardState = Infer<typeof HardState>;

export const ConfChange = message("raftpb.ConfChange", {
  id: always(bigUint64(1)),
  type: always(enumeration(2, ConfChangeType)),
  nodeId: always(bigUint64(3)),
  context: bytes(4),
});
export type ConfChange = Infer<typeof ConfChange>;

export const ConfChangeSingle = message("raftpb.ConfChangeSingle", {
  type: always(enumeration(1, ConfChangeType)),
  nodeId: always(bigUint64(2)),
});
export type ConfChangeSingle = Infer<typeof ConfChangeSingle>;

export const ConfChangeV2 = message("raftpb.ConfChangeV2", {
  transition: always(enumeration(1, ConfChangeTransition)),
  changes: repeated(embedded(2, () => ConfChangeSingle)),
  context: bytes(3),
});
export type ConfChangeV2 = Infer<typeof ConfChangeV2>;
