export { failpoints, failpointsOfEnvironment } from "./failpoint/mod.ts";
export { type LocalMember, startLocalMember } from "./local-member.ts";
export {
  type Change,
  type Engine,
  type EngineHome,
  type Entry as EngineEntry,
  isFailure,
  MemoryHome,
  openState,
  type State,
  type Successor,
} from "./mvcc/mod.ts";
export {
  defragmentDataDir,
  type FileHash,
  hashKvOfFile,
  type ImportOptions,
  type InitialCluster,
  importDataDir,
  type RestoreOptions,
  restoreSnapshot,
  type SnapshotStatus,
  snapshotStatus,
} from "./offline/mod.ts";
export { memberId as memberIdOf } from "./server/ids.ts";
export { askEachForMembers } from "./server/join.ts";
export type { Member } from "./server/member.ts";
export type { MemberOptions } from "./server/options.ts";
export type { OutgoingSnapshot } from "./server/peer/snapshot-sender.ts";
export { type PeerAddress, type PeerRequest, peerRequests, type Transport } from "./server/transport.ts";
export type { TransportUser, World } from "./server/world.ts";
export { decodeRun, type SnapshotRecord, type SnapshotStage, type Stages } from "./snap/mod.ts";
export { type RunningMember, startMember } from "./start.ts";
export { type PemFiles, type TlsOptions, watchedPems, watchedRevocations } from "./tls/mod.ts";
export { type File, type Files, MemoryFiles, Wal } from "./wal/mod.ts";
