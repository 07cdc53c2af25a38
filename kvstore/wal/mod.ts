export type { File, Files } from "./files.ts";
export { MemoryFiles, type Tear } from "./memory-files.ts";
export { nodeFiles, unsyncedNodeFiles } from "./node-files.ts";
export { type Replay, replay } from "./replay.ts";
export { Wal, type WalOptions } from "./wal.ts";
