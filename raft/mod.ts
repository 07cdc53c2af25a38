export type { RaftOptions, ReadOnlyOption } from "./config.ts";
export type { ReadState, Ready, Role, SoftState } from "./ready.ts";
export type { Storage } from "./storage.ts";
export type {
  ConfChange,
  ConfChangeSingle,
  ConfChangeTransition,
  ConfChangeType,
  ConfChangeV2,
  ConfState,
  Entry,
  EntryType,
  HardState,
  Index,
  Message,
  MessageType,
  NodeId,
  Snapshot,
  SnapshotMetadata,
  Term,
} from "./types.ts";
export { asConfChangeV2, emptyConfState, message, noBytes, nobody } from "./types.ts";
