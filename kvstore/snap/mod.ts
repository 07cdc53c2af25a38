export { type DatabaseFile, databaseFile, inBlobs } from "./database-file.ts";
export { etcdBuckets, ownRecords, type StateRecord, type StateRuns } from "./etcd-records.ts";
export { hashOfState } from "./hash.ts";
export { decodeRun, encodeRun, type SnapshotRecord } from "./records.ts";
export { FileStages, readStage, removeStages, type SnapshotStage, type Stages, StageWriter } from "./stage.ts";
export { readStateFile, type StateFile, work as stateFile } from "./state-file.ts";
