import { assert, type Random } from "../base/mod.ts";
import type { Storage } from "./storage.ts";
import { type ConfState, type Index, type NodeId, nobody } from "./types.ts";

/**
 * `safe`: a quorum confirms the leadership for every batch of reads. `lease`: the leader trusts that no other can have
 * been elected within an election timeout; only as good as the members' clocks, and only with checkQuorum.
 */
export type ReadOnlyOption = "safe" | "lease";

export interface RaftOptions {
  readonly id: NodeId;
  readonly storage: Storage;
  /** Spreads the election timeouts. Members must not draw the same numbers. */
  readonly random: Random;
  /** Highest index the state machine has applied; entries up to it are not handed out again. Default 0. */
  readonly applied?: Index;
  /** The membership as of `applied`. Default: what storage remembers, which is as of its snapshot. */
  readonly confState?: ConfState;
  /** A follower that hears no leader campaigns after T to 2T-1 of these ticks. Default 10. */
  readonly electionTicks?: number;
  /** Default 1. */
  readonly heartbeatTicks?: number;
  /** Ask whether one could win before disturbing anybody (thesis §9.6). Default true. */
  readonly preVote?: boolean;
  /** A leader that hears no quorum within an election timeout steps down; votes are refused while a leader is alive. Default true. */
  readonly checkQuorum?: boolean;
  /** Default `safe`. */
  readonly readOnly?: ReadOnlyOption;
  /** Followers drop proposals instead of passing them on to the leader. Default false. */
  readonly disableProposalForwarding?: boolean;
  /** Bound of the entries in one MsgApp; one entry always fits. Default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Bound of committed entries handed out and not yet reported as applied. Default: maxMessageBytes. */
  readonly maxApplyingBytes?: number;
  /**
   * Hands out what is committed before it is durable here: a quorum of the others has it, and a slow disk of this node's own costs nobody
   * time (thesis §10.2.1). The host then keeps what it applied in memory until the log below it is durable. Default false.
   */
  readonly applyUnstable?: boolean;
  /** Bound of proposed data not yet committed; beyond it proposals are refused. Default: none. */
  readonly maxUncommittedBytes?: number;
  /** Bounds of what is on its way to one follower. Defaults 256 messages, no bound in bytes. */
  readonly maxInflightMessages?: number;
  readonly maxInflightBytes?: number;
  /** Ticks after which a snapshot nobody reported on counts as lost. Default 60 election timeouts. */
  readonly snapshotTicks?: number;
  /** When a leader is lost, who has less than the highest of the others leaves them an election timeout to take over. Default 0. */
  readonly priority?: number;
  /**
   * Ticks without progress of the own disk, while it has something to write, after which a leader gives up and a follower
   * does not campaign. Until then heartbeats and commits go on without it. Default 3 election timeouts.
   */
  readonly stalledDiskTicks?: number;
}

export type RaftConfig = Required<Omit<RaftOptions, "confState">>;

export function completeConfig(options: RaftOptions): RaftConfig {
  const electionTicks = options.electionTicks ?? 10;
  const maxMessageBytes = options.maxMessageBytes ?? 1024 * 1024;
  const config: RaftConfig = {
    id: options.id,
    storage: options.storage,
    random: options.random,
    applied: options.applied ?? 0,
    electionTicks,
    heartbeatTicks: options.heartbeatTicks ?? 1,
    preVote: options.preVote ?? true,
    checkQuorum: options.checkQuorum ?? true,
    readOnly: options.readOnly ?? "safe",
    disableProposalForwarding: options.disableProposalForwarding ?? false,
    maxMessageBytes,
    maxApplyingBytes: options.maxApplyingBytes ?? maxMessageBytes,
    applyUnstable: options.applyUnstable ?? false,
    maxUncommittedBytes: options.maxUncommittedBytes ?? Number.POSITIVE_INFINITY,
    maxInflightMessages: options.maxInflightMessages ?? 256,
    maxInflightBytes: options.maxInflightBytes ?? Number.POSITIVE_INFINITY,
    snapshotTicks: options.snapshotTicks ?? 60 * electionTicks,
    priority: options.priority ?? 0,
    stalledDiskTicks: options.stalledDiskTicks ?? 3 * electionTicks,
  };
  assert(config.id !== nobody, "a node's id is not 0");
  assert(config.heartbeatTicks >= 1, "heartbeats are at least a tick apart");
  assert(config.electionTicks > config.heartbeatTicks, "an election timeout is longer than a heartbeat");
  assert(config.maxInflightMessages >= 1, "at least one message may be on its way");
  assert(config.maxInflightBytes >= config.maxMessageBytes, "a full message may be on its way");
  assert(config.priority >= 0, "a priority is not negative");
  assert(config.stalledDiskTicks >= 1, "a disk is given some time");
  assert(config.readOnly === "safe" || config.checkQuorum, "a lease is only as good as checkQuorum");
  return config;
}
