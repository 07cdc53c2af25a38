import type { Clock, Log, Random } from "../../base/mod.ts";
import type { TlsOptions } from "../rpc/grpc/mod.ts";
import type { PeerTls } from "./peer/network.ts";

/** One store member. Times in milliseconds. Defaults are etcd's. */
export interface MemberOptions {
  readonly name: string;
  readonly dataDir: string;
  /** Default: `member/wal` in the data directory. */
  readonly walDir?: string;
  readonly listenPeerUrls: readonly string[];
  readonly advertisePeerUrls: readonly string[];
  readonly listenClientUrls: readonly string[];
  readonly advertiseClientUrls: readonly string[];
  /** Peer URLs by member name. Ignored when the data directory has a log. */
  readonly initialCluster: ReadonlyMap<string, readonly string[]>;
  readonly initialClusterState: "new" | "existing";
  readonly initialClusterToken: string;
  readonly clientTls?: TlsOptions;
  readonly peerTls?: PeerTls;
  /** Default 100. */
  readonly heartbeatMs?: number;
  /** Default 1000. */
  readonly electionMs?: number;
  /** Applied entries after which the log is compacted. Default 10 000. */
  readonly snapshotCount?: number;
  /** Entries kept behind for followers that lag. Default 5000. */
  readonly snapshotCatchupEntries?: number;
  /** 0: 2 GiB; negative: no limit. Default 0. */
  readonly quotaBytes?: number;
  /** Default 128. */
  readonly maxTxnOps?: number;
  /** Default 1.5 MiB. */
  readonly maxRequestBytes?: number;
  /** Refuse changes of membership that could lose the quorum. Default true. */
  readonly strictReconfigCheck?: boolean;
  /** Default 1. */
  readonly maxLearners?: number;
  /** Default true. */
  readonly preVote?: boolean;
  /** Default 10 minutes. */
  readonly watchProgressIntervalMs?: number;
  /** What Status and /version say. Default 3.7.0. */
  readonly version?: string;
  readonly log: Log;
  readonly clock?: Clock;
  readonly random?: Random;
  /** The member cannot go on, and has stopped serving. Whoever started it should end it. */
  readonly onFailure: (error: unknown) => void;
}

export const defaults = {
  heartbeatMs: 100,
  electionMs: 1000,
  snapshotCount: 10_000,
  snapshotCatchupEntries: 5000,
  quotaBytes: 2 * 1024 * 1024 * 1024,
  maxTxnOps: 128,
  maxRequestBytes: 1_572_864,
  maxLearners: 1,
  watchProgressIntervalMs: 600_000,
  version: "3.7.0",
} as const;
