import { assert, equalBytes } from "../base/mod.ts";
import { isJoint, isVoter, type Membership, members } from "./confchange/membership.ts";
import type { RaftConfig } from "./config.ts";
import type { RaftLog } from "./log.ts";
import { snapshotRequest } from "./messages.ts";
import { accepted, type Outcome, refused } from "./outcome.ts";
import { jointIndex } from "./quorum/joint.ts";
import { decodeRound, encodeRound, ReadOnly, type ReadRequest } from "./readonly.ts";
import { Inflights } from "./tracker/inflights.ts";
import { Progress } from "./tracker/progress.ts";
import {
  type Entry,
  EntryType,
  entrySizeBytes,
  type Index,
  type Message,
  MessageType,
  message,
  type NodeId,
  noBytes,
  nobody,
  type Term,
  type UnsignedMessage,
} from "./types.ts";

/** What a leader needs of the node it leads on. */
export interface LeaderNode {
  readonly config: RaftConfig;
  readonly log: RaftLog;
  readonly term: Term;
  readonly membership: Membership;
  /** Waits for a snapshot to replace its state machine: others should lead. */
  readonly snapshotWanted: boolean;
  send(message: UnsignedMessage): void;
  answerRead(index: Index, context: Uint8Array): void;
  /** The leader object is dead after this. */
  stepDown(): void;
}

/** What is proposed: an entry without its place. */
export type Proposal = Pick<Entry, "type" | "data">;

const noEntries: readonly Entry[] = [];

/**
 * One leadership: from the election to the end of the term. Replicates, commits, confirms reads, hands over.
 *
 * Nothing is sent to followers when something happens but in `flush`, once per Ready: what came in during one turn of
 * the host leaves in one append per follower and one round of heartbeats for all reads.
 */
export class Leader {
  readonly #node: LeaderNode;
  readonly #log: RaftLog;
  readonly #term: Term;
  #progress = new Map<NodeId, Progress>();
  /** The voters' progress, the two halves apart. */
  #incoming: Progress[] = [];
  #outgoing: Progress[] = [];
  /** Followers may be owed an append. */
  #flushDue = false;
  #electionElapsed = 0;
  #heartbeatElapsed = 0;
  readonly #reads = new ReadOnly();
  #transferee: NodeId = nobody;
  /** Somebody was told to campaign at once, which no lease holds back. */
  #leaseGivenUp = false;
  /**
   * No change of membership may be proposed before everything up to here is applied. At first the entry that opens the
   * term: an earlier one may be a change, and a leader that has committed nothing of its own may not change anything
   * (the single-server bug of 2015).
   */
  #pendingConfIndex: Index;
  /** Data of proposals not yet handed out for applying. An estimate: entries of earlier leaders are not in it. */
  #uncommittedBytes = 0;

  constructor(node: LeaderNode) {
    this.#node = node;
    this.#log = node.log;
    this.#term = node.term;
    this.#arrangeProgress();
    this.#append([{ type: EntryType.EntryNormal, data: noBytes }]);
    this.#pendingConfIndex = node.log.lastIndex;
  }

  get transferee(): NodeId {
    return this.#transferee;
  }

  get progress(): ReadonlyMap<NodeId, Progress> {
    return this.#progress;
  }

  /** Time passes. May end the leadership. */
  tick(): void {
    const { config } = this.#node;
    for (const progress of this.#progress.values()) this.#tickSnapshot(progress);
    if (++this.#electionElapsed >= config.electionTicks) {
      this.#electionElapsed = 0;
      if (config.checkQuorum && !this.#quorumActive()) {
        this.#node.stepDown();
        return;
      }
      this.#transferee = nobody; // who did not take over within an election timeout does not
      if (this.#node.snapshotWanted) this.transferTo(this.#bestSuccessor()?.id ?? nobody);
      for (const progress of this.#progress.values()) {
        if (!progress.recentActive) progress.priority = 0;
        progress.recentActive = false;
      }
    }
    if (++this.#heartbeatElapsed >= config.heartbeatTicks) this.#broadcastHeartbeat();
  }

  /** A host that dies while it sends a snapshot reports nothing; its follower must not wait for ever. */
  #tickSnapshot(progress: Progress): void {
    if (progress.state !== "snapshot" || ++progress.snapshotTicks < this.#node.config.snapshotTicks) return;
    progress.snapshotFailed();
    progress.pause();
  }

  #quorumActive(): boolean {
    return this.#quorumReached((progress) => (progress.recentActive || this.#isSelf(progress) ? 1 : 0)) >= 1;
  }

  #broadcastHeartbeat(): void {
    this.#heartbeatElapsed = 0;
    const context = this.#reads.waiting ? encodeRound(this.#reads.lastRound) : noBytes;
    const priority = this.#successorPriority();
    for (const progress of this.#progress.values()) {
      if (this.#isSelf(progress)) continue;
      // Not further than what is known to match: what lies beyond may differ from this log.
      const commit = Math.min(progress.match, this.#log.committed);
      this.#node.send(message(MessageType.MsgHeartbeat, progress.id, { commit, context, priority }));
    }
  }

  /** The highest of those that could take over. */
  #successorPriority(): number {
    let highest = 0;
    for (const half of [this.#incoming, this.#outgoing]) {
      for (const progress of half) {
        if (progress.priority > highest && !this.#isSelf(progress)) highest = progress.priority;
      }
    }
    return highest;
  }

  /** Who of the voters that give signs of life has most of the log. */
  #bestSuccessor(): Progress | undefined {
    let best: Progress | undefined;
    for (const progress of [...this.#incoming, ...this.#outgoing]) {
      if (this.#isSelf(progress) || !progress.recentActive) continue;
      if (best === undefined || progress.match > best.match) best = progress;
    }
    return best;
  }

  /** The own disk hangs. Where somebody else could lead, nobody has to wait for it. */
  diskStalled(): void {
    if (this.#bestSuccessor() !== undefined) this.#giveUp();
  }

  /** Steps down at once. Who is told to take over may lack too much for it; then somebody else will, in time. */
  #giveUp(): void {
    const successor = this.#bestSuccessor();
    if (successor !== undefined) this.#tellToCampaign(successor);
    this.#node.stepDown();
  }

  /**
   * All are taken or none. A change of membership that may not be made now is refused to a proposer on this node
   * (`local`); a remote one cannot be told, so its entry becomes an empty one.
   */
  propose(proposals: readonly Proposal[], local: boolean): Outcome {
    if (this.#transferee !== nobody) return refused("LeaderTransferring");
    const taken: Proposal[] = [];
    let mayChange = this.#pendingConfIndex <= this.#log.applied;
    for (const proposal of proposals) {
      if (proposal.type === EntryType.EntryNormal) taken.push(proposal);
      else if (mayChange && leavesJoint(proposal) === isJoint(this.#node.membership)) {
        taken.push(proposal);
        mayChange = false;
      } else if (local) return refused("ConfChangePending");
      else taken.push({ type: EntryType.EntryNormal, data: noBytes });
    }
    let sizeBytes = 0;
    for (const { data } of taken) sizeBytes += data.length;
    const total = this.#uncommittedBytes + sizeBytes;
    // When nothing is on its way one is let through, however large, or it could never be made. Empty ones always are.
    if (sizeBytes > 0 && this.#uncommittedBytes > 0 && total > this.#node.config.maxUncommittedBytes) {
      return refused("TooManyUncommittedBytes");
    }
    this.#uncommittedBytes = total;
    this.#append(taken);
    return accepted;
  }

  #append(proposals: readonly Proposal[]): void {
    let index = this.#log.lastIndex;
    const entries: Entry[] = [];
    for (const { type, data } of proposals) {
      entries.push({ type, term: this.#term, index: ++index, data });
      if (type !== EntryType.EntryNormal) this.#pendingConfIndex = index;
    }
    this.#log.append(entries);
    this.#flushDue = true;
  }

  /** Committed entries leave for the state machine: there is room for new proposals. */
  handedOut(entries: readonly Entry[]): void {
    for (const { data } of entries) this.#uncommittedBytes -= data.length;
    this.#uncommittedBytes = Math.max(0, this.#uncommittedBytes);
  }

  /** The host has applied more. */
  applied(): void {
    const { membership } = this.#node;
    if (!isJoint(membership) || !membership.autoLeave || this.#log.applied < this.#pendingConfIndex) return;
    this.#append([{ type: EntryType.EntryConfChangeV2, data: noBytes }]);
  }

  /** More of the own log is durable: only now does the leader count itself (thesis §10.2.1). */
  persisted(): void {
    const self = this.#progress.get(this.#node.config.id);
    if (self?.maybeUpdate(this.#log.durableIndex)) this.#maybeCommit();
  }

  /** Commits what a quorum has, by counting only entries of the own term: the others follow from them (§5.4.2). */
  #maybeCommit(): void {
    const index = this.#quorumReached((progress) => progress.match);
    if (index <= this.#log.committed || !this.#log.matchTerm(index, this.#term)) return;
    this.#log.commitTo(index);
    this.#reads.release(index);
    this.#flushDue = true;
  }

  #quorumReached(reached: (progress: Progress) => number): number {
    return jointIndex(this.#incoming.map(reached), this.#outgoing.map(reached));
  }

  #isSelf(progress: Progress): boolean {
    return progress.id === this.#node.config.id;
  }

  /** Messages of this term from a member. */
  step(m: Message): void {
    const progress = this.#progress.get(m.from);
    if (progress === undefined) return; // not a member, or no longer
    switch (m.type) {
      case MessageType.MsgAppResp:
        progress.recentActive = true;
        if (m.reject) this.#appendRejected(progress, m);
        else {
          this.#appendAccepted(progress, m.index);
          if (equalBytes(m.context, snapshotRequest)) this.#snapshotRequested(progress, m.index);
        }
        break;
      case MessageType.MsgHeartbeatResp:
        this.#heartbeatAnswered(progress, m);
    }
  }

  #appendRejected(progress: Progress, m: Message): void {
    // The follower has skipped back over what is newer than the append; whatever is newer in this log than what it
    // has there cannot match either.
    const hint = m.logTerm > 0 ? this.#log.findConflictByTerm(m.rejectHint, m.logTerm).index : m.rejectHint;
    if (!progress.maybeDecrease(m.index, hint)) return;
    if (progress.state === "replicate") progress.becomeProbe();
    this.#oweAppend(progress);
  }

  #appendAccepted(progress: Progress, index: Index): void {
    assert(index <= this.#log.lastIndex, "a follower acknowledges only what it was sent");
    // Sending goes on in any case: the window has room again, or there is a commit to tell of.
    this.#flushDue = true;
    const found = progress.state === "probe" && index === progress.match;
    if (!progress.maybeUpdate(index) && !found) return;
    if (progress.state === "replicate") progress.inflights.freeUpTo(index);
    else if (progress.state === "probe") progress.becomeReplicate();
    // A snapshot's receiver may get here by other means, or before its arrival is reported. It may also have got the
    // snapshot when the log had moved on already.
    else if (progress.match + 1 >= this.#log.firstIndex) progress.becomeReplicate();
    else if (progress.match >= progress.pendingSnapshot) progress.becomeProbe();
    this.#maybeCommit();
    if (progress.id === this.#transferee && index === this.#log.lastIndex) this.#tellToCampaign(progress);
  }

  /**
   * The follower has everything up to `index` and takes nothing more before a snapshot that is not older: it loses nothing
   * by it that somebody counts on. It repeats itself until it has one.
   */
  #snapshotRequested(progress: Progress, index: Index): void {
    if (index < progress.match || progress.state === "snapshot") return; // from before the snapshot it got, or gets
    progress.requestedSnapshot = index;
    this.#oweAppend(progress);
  }

  #heartbeatAnswered(progress: Progress, m: Message): void {
    progress.recentActive = true;
    progress.priority = m.priority;
    progress.resume();
    // What was sent may be lost, and a probing follower may be complete without the leader knowing.
    if (progress.match < this.#log.lastIndex || progress.state === "probe" || progress.requestedSnapshot > 0) {
      this.#oweAppend(progress);
    }
    const round = decodeRound(m.context);
    if (round === undefined || round <= progress.readRound) return;
    progress.readRound = round;
    this.#confirmReads();
  }

  /** `context` comes back with the answer. */
  readIndex(from: NodeId, context: Uint8Array): void {
    const request = { index: this.#log.committed, from, context };
    if (!this.#log.matchTerm(this.#log.committed, this.#term)) this.#reads.hold(from, context);
    else if (this.#node.config.readOnly === "lease" && !this.#leaseGivenUp) this.#answerRead(request);
    else this.#reads.add(request);
  }

  #startReadRound(): void {
    this.#reads.startRound();
    this.#confirmReads(); // a leader that is a quorum by itself asks nobody
    if (this.#reads.waiting) this.#broadcastHeartbeat();
  }

  #confirmReads(): void {
    const answered = this.#quorumReached((progress) =>
      this.#isSelf(progress) ? this.#reads.lastRound : progress.readRound,
    );
    for (const request of this.#reads.confirm(answered)) this.#answerRead(request);
  }

  #answerRead({ index, from, context }: ReadRequest): void {
    if (from === this.#node.config.id) this.#node.answerRead(index, context);
    else {
      const entries = [{ type: EntryType.EntryNormal, term: 0, index: 0, data: context }];
      this.#node.send(message(MessageType.MsgReadIndexResp, from, { index, entries }));
    }
  }

  /** Hands over to `to` as soon as it has the whole log; takes no proposals meanwhile (thesis §3.10). */
  transferTo(to: NodeId): void {
    const progress = this.#progress.get(to);
    if (progress === undefined || !isVoter(this.#node.membership, to) || this.#isSelf(progress)) return;
    if (to === this.#transferee) return;
    this.#transferee = to;
    this.#electionElapsed = 0; // it has an election timeout to do it
    if (progress.match < this.#log.lastIndex) this.#oweAppend(progress);
    else this.#tellToCampaign(progress);
  }

  #tellToCampaign(progress: Progress): void {
    this.#leaseGivenUp = true;
    this.#node.send(message(MessageType.MsgTimeoutNow, progress.id));
  }

  /** Appends to `id` are being lost: no more of them ahead of their answers. */
  reportUnreachable(id: NodeId): void {
    const progress = this.#progress.get(id);
    if (progress?.state === "replicate") progress.becomeProbe();
  }

  /** The snapshot sent to `id` was delivered, or will not be. */
  reportSnapshot(id: NodeId, ok: boolean): void {
    const progress = this.#progress.get(id);
    if (progress?.state !== "snapshot") return;
    if (ok) progress.becomeProbe();
    else progress.snapshotFailed();
    // Delivered is not installed: wait for the follower to say something before probing it.
    progress.pause();
  }

  /** The membership is another one than before. May end the leadership. */
  membershipChanged(): void {
    this.#arrangeProgress();
    // The change is committed by those who stay; who does not belong to them hands the rest of the work to them.
    if (!isVoter(this.#node.membership, this.#node.config.id)) {
      this.#giveUp();
      return;
    }
    if (!isVoter(this.#node.membership, this.#transferee)) this.#transferee = nobody;
    this.#maybeCommit(); // a smaller quorum may have it all already
    this.#flushDue = true;
  }

  #arrangeProgress(): void {
    const { config, membership } = this.#node;
    const before = this.#progress;
    this.#progress = new Map();
    for (const id of members(membership)) {
      let progress = before.get(id);
      if (progress === undefined) {
        const inflights = new Inflights(config.maxInflightMessages, config.maxInflightBytes);
        progress = new Progress(id, this.#log.lastIndex + 1, inflights);
        if (id === config.id) progress.maybeUpdate(this.#log.durableIndex);
        progress.appendOwed = true;
      }
      this.#progress.set(id, progress);
    }
    const present = (id: NodeId) => this.#progress.get(id) as Progress;
    this.#incoming = [...membership.voters].map(present);
    this.#outgoing = [...membership.votersOutgoing].map(present);
  }

  get hasUnflushed(): boolean {
    return this.#flushDue || this.#reads.hasFresh;
  }

  /** Sends what is due. Once per Ready. */
  flush(): void {
    if (this.#reads.hasFresh) this.#startReadRound();
    if (!this.#flushDue) return;
    this.#flushDue = false;
    for (const progress of this.#progress.values()) {
      if (this.#isSelf(progress)) continue;
      let evenIfEmpty = progress.appendOwed || progress.canBumpCommit(this.#log.committed);
      progress.appendOwed = false;
      while (this.#maybeSendAppend(progress, evenIfEmpty)) evenIfEmpty = false;
    }
  }

  #oweAppend(progress: Progress): void {
    progress.appendOwed = true;
    this.#flushDue = true;
  }

  #maybeSendAppend(progress: Progress, evenIfEmpty: boolean): boolean {
    if (progress.paused) return false;
    if (progress.requestedSnapshot > 0) return this.#maybeSendSnapshot(progress);
    const index = progress.next - 1;
    const logTerm = this.#log.term(index);
    if (logTerm === undefined) return this.#maybeSendSnapshot(progress);
    const windowFull = progress.state === "replicate" && progress.inflights.full;
    const entries = windowFull ? noEntries : this.#log.entriesFrom(progress.next, this.#node.config.maxMessageBytes);
    if (entries === undefined) return this.#maybeSendSnapshot(progress);
    if (entries.length === 0 && !evenIfEmpty) return false;
    let sizeBytes = 0;
    for (const entry of entries) sizeBytes += entrySizeBytes(entry);
    const commit = this.#log.committed;
    this.#node.send(message(MessageType.MsgApp, progress.id, { index, logTerm, entries, commit }));
    progress.sentEntries(entries.length, sizeBytes, commit);
    return true;
  }

  /** What the follower needs next was compacted away, or it asked. */
  #maybeSendSnapshot(progress: Progress): boolean {
    // To whom nothing arrives, a snapshot would be made in vain; the next sign of life brings us here again.
    if (!progress.recentActive) return false;
    const snapshot = this.#log.snapshot(Math.max(progress.requestedSnapshot, progress.match));
    if (snapshot === undefined) return false;
    this.#node.send(message(MessageType.MsgSnap, progress.id, { snapshot }));
    progress.becomeSnapshot(snapshot.metadata.index);
    return true;
  }

  checkInvariants(): void {
    for (const progress of this.#progress.values()) progress.checkInvariants(this.#log.lastIndex);
  }
}

/** Without content, a change of the newer form leaves the joint configuration. */
function leavesJoint(proposal: Proposal): boolean {
  return proposal.type === EntryType.EntryConfChangeV2 && proposal.data.length === 0;
}
