import {
  bigUint64,
  bool,
  bytes,
  clampedInt64,
  embedded,
  enumeration,
  int64,
  named,
  repeated,
  string,
  uint32,
  uint64,
} from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";
import { ResponseHeader } from "./header.ts";

export const AlarmType = { NONE: 0, NOSPACE: 1, CORRUPT: 2 } as const;
export type AlarmType = (typeof AlarmType)[keyof typeof AlarmType];

export const AlarmAction = { GET: 0, ACTIVATE: 1, DEACTIVATE: 2 } as const;
export type AlarmAction = (typeof AlarmAction)[keyof typeof AlarmAction];

export const DowngradeAction = { VALIDATE: 0, ENABLE: 1, CANCEL: 2 } as const;
export type DowngradeAction = (typeof DowngradeAction)[keyof typeof DowngradeAction];

export const HashRequest = message("etcdserverpb.HashRequest", {});
export type HashRequest = Infer<typeof HashRequest>;

export const HashResponse = message("etcdserverpb.HashResponse", {
  header: embedded(1, () => ResponseHeader),
  hash: uint32(2),
});
export type HashResponse = Infer<typeof HashResponse>;

export const HashKVRequest = message("etcdserverpb.HashKVRequest", { revision: clampedInt64(1) });
export type HashKVRequest = Infer<typeof HashKVRequest>;

export const HashKVResponse = message("etcdserverpb.HashKVResponse", {
  header: embedded(1, () => ResponseHeader),
  hash: uint32(2),
  compactRevision: int64(3),
  hashRevision: int64(4),
});
export type HashKVResponse = Infer<typeof HashKVResponse>;

export const SnapshotRequest = message("etcdserverpb.SnapshotRequest", {});
export type SnapshotRequest = Infer<typeof SnapshotRequest>;

export const SnapshotResponse = message("etcdserverpb.SnapshotResponse", {
  header: embedded(1, () => ResponseHeader),
  remainingBytes: uint64(2),
  blob: bytes(3),
  version: string(4),
});
export type SnapshotResponse = Infer<typeof SnapshotResponse>;

export const DefragmentRequest = message("etcdserverpb.DefragmentRequest", {});
export type DefragmentRequest = Infer<typeof DefragmentRequest>;

export const DefragmentResponse = message("etcdserverpb.DefragmentResponse", {
  header: embedded(1, () => ResponseHeader),
});
export type DefragmentResponse = Infer<typeof DefragmentResponse>;

export const MoveLeaderRequest = message("etcdserverpb.MoveLeaderRequest", {
  targetID: named("targetID", bigUint64(1)),
});
export type MoveLeaderRequest = Infer<typeof MoveLeaderRequest>;

export const MoveLeaderResponse = message("etcdserverpb.MoveLeaderResponse", {
  header: embedded(1, () => ResponseHeader),
});
export type MoveLeaderResponse = Infer<typeof MoveLeaderResponse>;

export const AlarmRequest = message("etcdserverpb.AlarmRequest", {
  action: enumeration(1, AlarmAction),
  memberID: named("memberID", bigUint64(2)),
  alarm: enumeration(3, AlarmType),
});
export type AlarmRequest = Infer<typeof AlarmRequest>;

export const AlarmMember = message("etcdserverpb.AlarmMember", {
  memberID: named("memberID", bigUint64(1)),
  alarm: enumeration(2, AlarmType),
});
export type AlarmMember = Infer<typeof AlarmMember>;

export const AlarmResponse = message("etcdserverpb.AlarmResponse", {
  header: embedded(1, () => ResponseHeader),
  alarms: repeated(embedded(2, () => AlarmMember)),
});
export type AlarmResponse = Infer<typeof AlarmResponse>;

export const DowngradeRequest = message("etcdserverpb.DowngradeRequest", {
  action: enumeration(1, DowngradeAction),
  version: string(2),
});
export type DowngradeRequest = Infer<typeof DowngradeRequest>;

export const DowngradeResponse = message("etcdserverpb.DowngradeResponse", {
  header: embedded(1, () => ResponseHeader),
  version: string(2),
});
export type DowngradeResponse = Infer<typeof DowngradeResponse>;

export const DowngradeInfo = message("etcdserverpb.DowngradeInfo", {
  enabled: bool(1),
  targetVersion: named("targetVersion", string(2)),
});
export type DowngradeInfo = Infer<typeof DowngradeInfo>;

export const StatusRequest = message("etcdserverpb.StatusRequest", {});
export type StatusRequest = Infer<typeof StatusRequest>;

export const StatusResponse = message("etcdserverpb.StatusResponse", {
  header: embedded(1, () => ResponseHeader),
  version: string(2),
  dbSize: named("dbSize", int64(3)),
  leader: bigUint64(4),
  raftIndex: named("raftIndex", uint64(5)),
  raftTerm: named("raftTerm", uint64(6)),
  raftAppliedIndex: named("raftAppliedIndex", uint64(7)),
  errors: repeated(string(8)),
  dbSizeInUse: named("dbSizeInUse", int64(9)),
  isLearner: named("isLearner", bool(10)),
  storageVersion: named("storageVersion", string(11)),
  dbSizeQuota: named("dbSizeQuota", int64(12)),
  downgradeInfo: named(
    "downgradeInfo",
    embedded(13, () => DowngradeInfo),
  ),
});
export type StatusResponse = Infer<typeof StatusResponse>;
