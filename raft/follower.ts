import { assert } from "../base/mod.ts";
import { fromConfState, isVoter, type Membership } from "./confchange/membership.ts";
import type { RaftConfig } from "./config.ts";
import type { RaftLog } from "./log.ts";
import { snapshotRequest } from "./messages.ts";
import {
  type Index,
  type Message,
  MessageType,
  message,
  type NodeId,
  type Snapshot,
  type Term,
  type UnsignedMessage,
} from "./types.ts";

/** What a follower needs of its node. */
export interface FollowerNode {
  readonly id: NodeId;
  readonly config: RaftConfig;
  readonly log: RaftLog;
  readonly term: Term;
  readonly membership: Membership;
  send(message: UnsignedMessage): void;
  answerRead(index: Index, context: Uint8Array): void;
  /** A sign of life of this term's leader. */
  heardFrom(leader: NodeId): void;
  /** The leader wants this node to take over: nobody is asked first whether they would vote for it. */
  campaignForLeader(): void;
  /** All that `index` comes after is in `membership`. */
  replaceMembership(membership: Membership, index: Index): void;
}

/**
 * A node under a leader: takes its entries, its commits, its snapshots (the paper's §5.3 and §7). There is one for all leaders
 * to come: a snapshot that is wanted is asked for from whoever leads.
 */
export class Follower {
  readonly #node: FollowerNode;
  readonly #log: RaftLog;
  #snapshotWanted = false;
  /** As the last leader told: the highest priority among those that could take over from it. */
  #successorPriority = 0;

  constructor(node: FollowerNode) {
    this.#node = node;
    this.#log = node.log;
  }

  get snapshotWanted(): boolean {
    return this.#snapshotWanted;
  }

  /** Others should lead rather than this node. */
  get stepsBack(): boolean {
    return this.#node.config.priority < this.#successorPriority || this.#snapshotWanted;
  }

  /** Whoever is preferred had its chance: this node campaigns. */
  campaigns(): void {
    this.#successorPriority = 0;
  }

  /** Messages of this term, from its leader. */
  step(m: Message): void {
    switch (m.type) {
      case MessageType.MsgApp:
        this.#node.heardFrom(m.from);
        this.#append(m);
        break;
      case MessageType.MsgHeartbeat:
        this.#node.heardFrom(m.from);
        this.#heartbeat(m);
        break;
      case MessageType.MsgSnap:
        this.#node.heardFrom(m.from);
        this.#snapshot(m);
        break;
      case MessageType.MsgTimeoutNow:
        this.#node.campaignForLeader();
        break;
      case MessageType.MsgReadIndexResp: {
        const context = m.entries[0]?.data;
        if (context !== undefined) this.#node.answerRead(m.index, context);
      }
    }
  }

  #append(m: Message): void {
    if (this.#asksForSnapshot()) {
      this.#acknowledge(m.from, this.#log.lastIndex);
      return;
    }
    assert((m.entries.at(-1)?.term ?? 0) <= m.term, "a leader has no entry of a later term than its own");
    if (m.index < this.#log.committed) {
      this.#acknowledge(m.from, this.#log.committed);
      return;
    }
    const last = this.#log.maybeAppend(m.index, m.logTerm, m.entries);
    if (last === undefined) {
      const hint = this.#log.findConflictByTerm(Math.min(m.index, this.#log.lastIndex), m.logTerm);
      const rejection = { index: m.index, reject: true, rejectHint: hint.index, logTerm: hint.term };
      this.#node.send(message(MessageType.MsgAppResp, m.from, rejection));
      return;
    }
    // Beyond the last new entry this log may differ from the leader's.
    this.#log.commitTo(Math.min(m.commit, last));
    this.#acknowledge(m.from, last);
  }

  #acknowledge(leader: NodeId, index: Index): void {
    const asks = index === this.#log.lastIndex && this.#asksForSnapshot();
    this.#node.send(message(MessageType.MsgAppResp, leader, { index, ...(asks && { context: snapshotRequest }) }));
  }

  #heartbeat(m: Message): void {
    // Only a node that started again without its log is told of a commit it does not have. A voter must not go on then;
    // one that knows of no configuration yet may wait for its snapshot.
    const { id, membership } = this.#node;
    this.#log.commitTo(isVoter(membership, id) ? m.commit : Math.min(m.commit, this.#log.lastIndex));
    this.#successorPriority = m.priority;
    const { priority } = this.#node.config;
    this.#node.send(message(MessageType.MsgHeartbeatResp, m.from, { context: m.context, priority }));
    if (this.#asksForSnapshot()) this.#acknowledge(m.from, this.#log.lastIndex);
  }

  /** The state machine is damaged: a snapshot is to replace it, though the log is fine. Never takes back what is applied. */
  requestSnapshot(): void {
    if (!this.#log.hasUnappliedSnapshot) this.#snapshotWanted = true;
  }

  /**
   * With an entry of this term at the end the log is one with the leader's: what a snapshot at this end or later leaves of it
   * is all there was. Until then it grows as ever.
   */
  #asksForSnapshot(): boolean {
    return this.#snapshotWanted && this.#log.lastTerm === this.#node.term;
  }

  #snapshot(m: Message): void {
    const restored = m.snapshot !== undefined && this.#restore(m.snapshot);
    this.#acknowledge(m.from, restored ? this.#log.lastIndex : this.#log.committed);
  }

  /** False if the snapshot brings nothing that is not here already, or is not meant for this node. */
  #restore(snapshot: Snapshot): boolean {
    const { index, term, confState } = snapshot.metadata;
    const asked = this.#asksForSnapshot() && index >= this.#log.lastIndex;
    if ((index <= this.#log.committed && !asked) || this.#log.hasUnappliedSnapshot) return false;
    const { voters, votersOutgoing, learners } = confState;
    if (![voters, votersOutgoing, learners].some((ids) => ids.includes(this.#node.id))) return false;
    if (this.#log.matchTerm(index, term) && !asked) {
      this.#log.commitTo(index); // the log is as good as the snapshot, and longer
      return false;
    }
    this.#log.restore(snapshot);
    this.#node.replaceMembership(fromConfState(confState), index);
    this.#snapshotWanted = false;
    return true;
  }
}
