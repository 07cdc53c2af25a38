export { defragmentDataDir } from "./defragment.ts";
export { type FileHash, hashKvOfFile } from "./hash-kv.ts";
export { type ImportOptions, importDataDir } from "./import.ts";
export type { InitialCluster } from "./initial-cluster.ts";
export { type RestoreOptions, restoreSnapshot } from "./restore.ts";
export { type SnapshotStatus, snapshotStatus } from "./status.ts";
