/** The named places, under the original's names, and what each one stands before or after here. */
export const failpointNames = {
  // One batch of Raft (server/raft-host.ts).
  raftBeforeLeaderSend: "a leader's messages leave",
  raftBeforeSave: "entries and votes are handed to the log",
  raftAfterSave: "they are durable, nobody has been told",
  raftBeforeFollowerSend: "acknowledgements and votes of a member that does not lead leave",
  raftBeforeAdvance: "what became durable is counted",
  raftDropHeartbeat: "return() drops what other members send, heartbeats and all (server/peer)",
  // A snapshot of the leader (server/raft-host.ts, server/member.ts), and one of our own (server/snapshots.ts).
  raftBeforeSaveSnap: "the received state is installed",
  raftAfterSaveSnap: "it is installed, and the log does not know",
  raftBeforeWALSaveSnaphot: "the log notes a snapshot, whoever made it",
  raftBeforeApplySnap: "the log in memory starts over at the snapshot",
  raftAfterApplySnap: "it has",
  raftAfterWALRelease: "the log's old segments are gone",
  applyBeforeOpenSnapshot: "the received records are read",
  applyAfterOpenSnapshot: "they are the state",
  // The log (wal/wal.ts): write and sync are one call.
  walBeforeSync: "a group of records goes to the disk",
  walAfterSync: "it is durable, nobody has been told",
  // The backend's batches (mvcc/backend.ts). Its records wait in memory until then.
  commitBeforePreCommitHook: "a batch is cut",
  commitAfterPreCommitHook: "it is cut: the applied index is in it",
  beforeCommit: "the batch is written",
  afterCommit: "it is durable",
  beforeWritebackBuf: "reads turn from memory to the disk",
  afterWritebackBuf: "they have",
  beforeStartDBTxn: "the next batch may be cut",
  afterStartDBTxn: "it may",
  defragOpenFileError: "return(string): defragmenting fails before it began",
  defragBeforeCopy: "the engine rewrites its files",
  defragBeforeRename: "it has",
  defragdbFail: "return(string): defragmenting fails in the middle",
  // Compaction (mvcc/compactor.ts).
  compactBeforeCommitScheduledCompact: "the scheduled revision is made durable",
  compactAfterCommitScheduledCompact: "it is",
  compactAfterAcquiredBatchTxLock: "a slice is swept",
  compactBeforeCommitBatch: "what a slice dropped is made durable",
  compactAfterCommitBatch: "it is",
  compactBeforeSetFinishedCompact: "the compaction is noted as finished",
  compactAfterSetFinishedCompact: "it is noted, in memory",
  // Applying (server/raft-host.ts).
  beforeApplyOneEntryNormal: "a request is applied",
  beforeApplyOneConfChange: "a change of membership is applied",
  // Membership (server/member.ts, start.ts).
  beforePublishing: "a member tells its name",
  afterIsMemberExist: "a call of a client is let in; a sleep stops the whole event loop here, and only here",
  // Streams and leases (rpc/, mvcc/watch/, lease/).
  beforeSendWatchResponse: "a message of a watch stream leaves",
  beforeSyncWatchers: "watchers that lag read history",
  beforeMoveVictims: "watchers of a slow client are served again",
  beforeProgressIfSync: "a request for progress is looked at",
  beforeRangeStreamChunk: "a chunk of RangeStream is read",
  beforeServeHTTPLeaseRenew: "a renewal that another member passed on is answered",
  beforeCheckpointInLeaseRenew: "a renewal tells the others that the time starts afresh",
  beforeLookupWhenLeaseTimeToLive: "the time left of a lease is looked up",
  beforeLookupWhenForwardLeaseTimeToLive: "the same, for another member",
} as const;

export type FailpointName = keyof typeof failpointNames;
