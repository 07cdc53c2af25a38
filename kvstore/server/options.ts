import { join } from "node:path";
import type { Log } from "../../base/mod.ts";
import type { AuthOptions } from "../auth/mod.ts";
import type { KeepaliveOptions } from "../rpc/grpc/mod.ts";
import type { TlsOptions } from "../tls/mod.ts";
import type { World } from "./world.ts";

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
  readonly peerTls?: TlsOptions;
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
  /** Take NOSPACE back when the database is well below its quota again. Default true. */
  readonly autoDisarmNospace?: boolean;
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
  /** When a leader is lost, members of a lower priority leave the election to those of a higher one. Default 0. */
  readonly electionPriority?: number;
  /** Learners become voters by themselves when they have caught up. Default false. */
  readonly autoPromoteLearners?: boolean;
  /** Default 10 minutes. */
  readonly watchProgressIntervalMs?: number;
  /** Elect sooner after the start than an election timeout. Default true. */
  readonly initialElectionTickAdvance?: boolean;
  /** 0: files of the log stay for ever. Else, and by default, they go as soon as nothing needs them. */
  readonly maxWals?: number;
  /** How long a change may wait to be written to the database. Default 1000: every batch is a sync of the disk that the log
   * has to share, and who puts one thing after the other feels it. */
  readonly backendBatchIntervalMs?: number;
  /** Changes that do not wait longer. Default 5000. */
  readonly backendBatchLimit?: number;
  /** Calls in progress on one connection. Default 2^32 - 1. */
  readonly maxConcurrentStreams?: number;
  readonly keepalive?: KeepaliveOptions;
  /** Other processes may listen on the same ports. Default false. */
  readonly reusePort?: boolean;
  /** Silence of another member after which its connection is given up. Default 5000. */
  readonly peerReadTimeoutMs?: number;
  /** Keep so much history, and no more. Default: all. */
  readonly autoCompaction?: AutoCompaction;
  /** A compaction removes so many versions (default 1000), then makes a pause (default 10). */
  readonly compaction?: { readonly batchLimit?: number; readonly sleepMs?: number };
  /** Compare the keys with the other members' before serving anybody. Default false. */
  readonly initialCorruptCheck?: boolean;
  /** How often the leader compares the newest keys; 0, the default: never. */
  readonly corruptCheckMs?: number;
  /** How often the leader compares what compactions left; 0, the default: never. */
  readonly compactHashCheckMs?: number;
  /** Tell the other members how long leases still last that nobody renews, so that no leader starts them afresh. Default true. */
  readonly leaseCheckpoints?: boolean;
  /** Applying that takes longer is logged. Default 100. */
  readonly warningApplyMs?: number;
  /** Calls that take longer are logged. Default 300. */
  readonly warningUnaryMs?: number;
  /** Defragment at the start if that frees so much. Default 0: do not. */
  readonly bootstrapDefragMegabytes?: number;
  /** Make the data of this member a cluster of one. Default false. */
  readonly forceNewCluster?: boolean;
  /** Do not wait for the disk. Default false. */
  readonly unsafeNoFsync?: boolean;
  readonly http?: HttpOptions;
  /** Histograms of how long calls take, per method. Default false. */
  readonly extensiveMetrics?: boolean;
  /** A file that gets one line per call. Default: none is kept. */
  readonly auditLog?: string;
  readonly auth?: Pick<AuthOptions, "token" | "simpleTokenTtlMs" | "bcryptCost" | "byCertificate">;
  /** What Status and /version say. Default 3.7.0. */
  readonly version?: string;
  readonly log: Log;
  /** Default: the machine. */
  readonly world?: World;
  /** The member cannot go on, and has stopped serving. Whoever started it should end it. */
  readonly onFailure: (error: unknown) => void;
}

/** What is answered over plain HTTP, where, and to whom. */
export interface HttpOptions {
  /** Where instead of at `listenClientUrls`, which then speak gRPC alone. Default: there. */
  readonly listenUrls?: readonly string[];
  /** Where, besides, metrics and health checks are answered. */
  readonly metricsUrls?: readonly string[];
  /** Origins whose pages may ask; empty, or with "*": all. */
  readonly cors?: readonly string[];
  /** Names by which clients without TLS may call this member; empty, or with "*": all. */
  readonly hostWhitelist?: readonly string[];
  /** The JSON API. Default true. */
  readonly gateway?: boolean;
  /** Profiles of V8 below /debug/pprof/. Default false. */
  readonly profiles?: boolean;
}

/** `periodic` keeps what is younger than the time, `revision` so many of the newest revisions. */
export type AutoCompaction =
  | { readonly mode: "periodic"; readonly retentionMs: number }
  | { readonly mode: "revision"; readonly retention: number };

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
  backendBatchIntervalMs: 1000,
  warningApplyMs: 100,
  warningUnaryMs: 300,
  version: "3.7.0",
} as const;

export function databasePathOf({ dataDir }: Pick<MemberOptions, "dataDir">): string {
  return join(dataDir, "member", "snap", "db");
}

/** How long a request may take until nobody waits for it any more. */
export function requestTimeoutMsOf(electionMs: number): number {
  return 5000 + 2 * electionMs;
}
