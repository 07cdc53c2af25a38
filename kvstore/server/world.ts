import type { Clock, Random } from "../../base/mod.ts";
import type { Entry, Message, NodeId } from "../../raft/mod.ts";
import type { MemberMetrics } from "../metrics/mod.ts";
import type { EngineHome } from "../mvcc/mod.ts";
import type { SnapshotStage, Stages } from "../snap/mod.ts";
import type { Files } from "../wal/mod.ts";
import type { AskForMembers } from "./join.ts";
import type { OutgoingSnapshot } from "./peer/snapshot-sender.ts";
import type { Transport, TransportEvents } from "./transport.ts";

/**
 * What a member stands on: time, chance, disks, the network. By default the machine's (`machine-world.ts`); a simulation passes its
 * own, and everything above runs unchanged. What fails in it for good is told to `onFailure` of the member's options.
 */
export interface World {
  readonly clock: Clock;
  /** Different for every member, and every start of one. */
  readonly random: Random;
  /** As `random`, but nobody can guess them. */
  randomBytes(count: number): Uint8Array;
  /** Runs `turn` once all that has arrived by now has been looked at. */
  defer(turn: () => void): void;
  /** The disk of the log. */
  readonly files: Files;
  /** Size of a file of the log. Default: etcd's. */
  readonly segmentBytes?: number;
  /** Where the state lies. */
  readonly home: EngineHome;
  /** Where snapshots of other members wait to be installed. */
  readonly stages: Stages;
  /** Rejects with a `Failure` if what lies in the data directory is not this store's. */
  inspect(): Promise<void>;
  /** Asks members of a cluster that this one is no part of yet. */
  readonly askForMembers: AskForMembers;
  /** Rejects with a `Failure` if it cannot listen. */
  openTransport(user: TransportUser): Promise<Transport>;
  /** Told of each entry before it is applied. For who looks over the member's shoulder. */
  readonly observe?: (entry: Entry) => void;
}

/** A member, as its transport needs to know it. */
export interface TransportUser {
  readonly clusterId: bigint;
  readonly self: NodeId;
  readonly version: string;
  /** Where others find this member. */
  readonly peerUrls: () => readonly string[];
  readonly events: TransportEvents;
  /** Members that were removed, and must not come back. */
  readonly isRemoved: (id: NodeId) => boolean;
  readonly openSnapshot: (message: Message) => Promise<OutgoingSnapshot>;
  readonly openStage: () => Promise<SnapshotStage>;
  readonly metrics: MemberMetrics;
}
