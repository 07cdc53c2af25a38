export { failpoints, failpointsOfEnvironment } from "./failpoint/mod.ts";
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
export type { MemberOptions } from "./server/options.ts";
export { type RunningMember, startMember } from "./start.ts";
export { type PemFiles, type TlsOptions, watchedPems, watchedRevocations } from "./tls/mod.ts";
