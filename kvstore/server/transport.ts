import type { Message, NodeId } from "../../raft/mod.ts";

/** What one member asks of another outside of Raft: the leader's answer, passed on by a follower. */
export const peerRequests = {
  leaseRenew: 1,
  leaseTimeToLive: 2,
  memberPromote: 3,
  /** Who is in the cluster: asked by a member that joins. */
  members: 4,
  /** The hash of the keys at a revision. */
  hashKv: 5,
} as const;
export type PeerRequest = (typeof peerRequests)[keyof typeof peerRequests];

/** A member as the transport needs to know it. */
export interface PeerAddress {
  readonly id: NodeId;
  readonly peerUrls: readonly string[];
}

/** What the transport tells the member. Called on the event loop, never from within a call to the transport. */
export interface TransportEvents {
  message(message: Message): void;
  /** A message was lost, or the connection is. */
  unreachable(id: NodeId): void;
  /** A member has connected: it says that it is this one, and where it is to be found. */
  introduced(peer: PeerAddress): void;
  /** Others say that this member is one no more. */
  removed(): void;
  snapshotSent(id: NodeId, ok: boolean): void;
  /** A snapshot arrived whole: `message` is its MsgSnap, `stage` the name under which its records wait. */
  snapshotReceived(message: Message, stage: string): void;
  request(kind: PeerRequest, payload: Uint8Array): Promise<Uint8Array>;
}

/**
 * Brings messages to the other members: in order per member, but any may be lost. The seam between a member and the network;
 * `peer/` is the real one.
 */
export interface Transport {
  /** Takes over what one turn of the loop produced. Never blocks; what cannot be sent is lost and reported. */
  send(messages: readonly Message[]): void;
  /** Rejects if the member cannot be reached or answers with an error. */
  request(to: NodeId, kind: PeerRequest, payload: Uint8Array): Promise<Uint8Array>;
  /** Rejects what the member was asked and has not answered: somebody else knows better by now. */
  abandonRequests(to: NodeId): void;
  setPeers(peers: readonly PeerAddress[]): void;
  /** Monotonic milliseconds since which the connection to the member is up; undefined if it is down. */
  connectedSince(id: NodeId): number | undefined;
  /** The version the member said it runs; undefined if it was never heard. */
  versionOf(id: NodeId): string | undefined;
  stop(): Promise<void>;
}
