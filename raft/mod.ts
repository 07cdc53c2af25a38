export type { RaftOptions, ReadOnlyOption } from "./config.ts";
export { MemoryStorage } from "./memory-storage.ts";
export type { Outcome, RefusalReason } from "./outcome.ts";
export { RawNode } from "./rawnode.ts";
export type { ReadState, Ready, Role, SoftState } from "./ready.ts";
export type { ProgressStatus, Status } from "./status.ts";
export type { Storage } from "./storage.ts";
export type { ProgressState } from "./tracker/progress.ts";
export type {
  ConfChange,
  ConfChangeSingle,
  ConfChangeV2,
  ConfState,
  Entry,
  HardState,
  Index,
  Message,
  NodeId,
  Snapshot,
  SnapshotMetadata,
  Term,
} from "./types.ts";
export {
  asConfChangeV2,
  ConfChangeTransition,
  ConfChangeType,
  EntryType,
  emptyConfState,
  MessageType,
  message,
  noBytes,
  nobody,
} from "./types.ts";
