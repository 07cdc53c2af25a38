export type {
  AnswerHeader,
  DeleteRangeAnswer,
  HeaderAnswer,
  LeaseGrantAnswer,
  PutAnswer,
  TxnAnswer,
  TxnOpAnswer,
} from "./answers.ts";
export { Applier, type CompactionAnswer } from "./applier.ts";
export {
  Backend,
  type BackendOptions,
  type BackendRecord,
  type BatchSource,
  type Bucket,
  importRecords,
  withBuckets,
} from "./backend.ts";
export { type ByteString, fromByteString, toByteString } from "./byte-string.ts";
export {
  checkDeleteRangeRequest,
  checkPutRequest,
  checkRangeRequest,
  checkTxnRequest,
  type RequestFailure,
} from "./check.ts";
export type { CompactionPace, CompactionReport } from "./compactor.ts";
export type { Change, Engine, EngineHome, Entry, Successor } from "./engine.ts";
export { type Failure, fail, isFailure, type StateFailureCode } from "./failure.ts";
export type { HashOfRevision } from "./hash.ts";
export { type KeyRange, keyRange } from "./key-range.ts";
export { LevelHome } from "./level-engine.ts";
export { MemoryHome } from "./memory-engine.ts";
export { isLargeRange, type RangeAnswer, rangeInSlices, rangeSlice } from "./range.ts";
export { parseRevisionKey, revisionKey } from "./revision.ts";
export { installState, openState, type State, type StateOptions } from "./state.ts";
export type { Applied, ReadView, Store } from "./store.ts";
export { isReadonly as isTxnReadonly, isSerializable as isTxnSerializable } from "./txn.ts";
export { WatchHub, type WatchHubOptions } from "./watch/hub.ts";
export type { WatchBatch, Watcher, WatchRequest, WatchSink } from "./watch/watcher.ts";
export type { Scan, Work } from "./work.ts";
