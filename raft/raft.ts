import { assert, equalBytes, unreachable } from "../base/mod.ts";
import { MembershipInForce } from "./confchange/in-force.ts";
import { fromConfState, isVoter, type Membership, members } from "./confchange/membership.ts";
import type { RaftConfig } from "./config.ts";
import { Follower, type FollowerNode } from "./follower.ts";
import { Leader, type LeaderNode, type Proposal } from "./leader.ts";
import { RaftLog } from "./log.ts";
import { transferContext } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { accepted, type Outcome, refused } from "./outcome.ts";
import type { Role } from "./ready.ts";
import { restoredState } from "./restart.ts";
import { Votes } from "./tracker/votes.ts";
import {
  type ConfChangeV2,
  type ConfState,
  type Entry,
  EntryType,
  type HardState,
  type Index,
  type Message,
  MessageType,
  message,
  type NodeId,
  nobody,
  type Term,
  type UnsignedMessage,
} from "./types.ts";

/** What a node is now, with what only that role has. */
type RoleState =
  | { readonly kind: "follower" }
  | { readonly kind: "pre-candidate"; readonly votes: Votes }
  | { readonly kind: "candidate"; readonly votes: Votes }
  | { readonly kind: "leader"; readonly leader: Leader };

const follower: RoleState = { kind: "follower" };

/** `pre-election`: would I win? `election`: vote for me. `transfer`: the leader said so, do not mind that it is alive. */
type Campaign = "pre-election" | "election" | "transfer";

/**
 * One member's state machine (the extended Raft paper; thesis chapters 3, 4, 6, 9): terms, votes and roles, and who is to
 * answer what comes in. What a leader does is in Leader, what a follower does in Follower.
 */
export class Raft implements LeaderNode, FollowerNode {
  readonly config: RaftConfig;
  readonly log: RaftLog;
  readonly outbox: Outbox;
  readonly #follower: Follower;
  #term: Term;
  /** Whom this node voted for in #term. Within a term it goes from nobody to somebody once. */
  #vote: NodeId;
  #role: RoleState = follower;
  #leader: NodeId = nobody;
  readonly #membership: MembershipInForce;
  /** Ticks since the leader was last heard from, a vote was granted, or a campaign began. */
  #electionElapsed = 0;
  #randomizedElectionTicks = 0;
  /** For so many ticks the leader's word to take over still holds, which came too early for this node. */
  #takeOverTicks = 0;
  /** Ticks in which the disk had something to write and got nothing done. */
  #diskTicks = 0;

  constructor(config: RaftConfig, membership: ConfState | undefined) {
    this.config = config;
    const { hardState, confState } = restoredState(config.storage);
    this.log = new RaftLog(config, hardState.commit);
    this.#term = hardState.term;
    this.#vote = hardState.vote;
    this.#membership = new MembershipInForce(fromConfState(membership ?? confState), this.log.applied);
    this.outbox = new Outbox(config.id);
    this.#follower = new Follower(this);
    this.#drawElectionTimeout();
  }

  get id(): NodeId {
    return this.config.id;
  }

  get term(): Term {
    return this.#term;
  }

  get role(): Role {
    return this.#role.kind;
  }

  get leader(): NodeId {
    return this.#leader;
  }

  get membership(): Membership {
    return this.#membership.current;
  }

  /** Set while this node leads. */
  get leadership(): Leader | undefined {
    return this.#role.kind === "leader" ? this.#role.leader : undefined;
  }

  get hardState(): HardState {
    return { term: this.#term, vote: this.#vote, commit: this.log.committed };
  }

  get randomizedElectionTicks(): number {
    return this.#randomizedElectionTicks;
  }

  /** `diskBusy`: something handed out is not durable yet. */
  tick(diskBusy: boolean): void {
    this.#diskTicks = diskBusy ? this.#diskTicks + 1 : 0;
    if (this.#takeOverTicks > 0) this.#takeOverTicks--;
    if (this.#role.kind === "leader") {
      this.#role.leader.tick();
      // Others can commit without this disk, but nobody here is answered: nothing is applied that is not durable here.
      if (this.diskStalled) this.leadership?.diskStalled();
    } else if (++this.#electionElapsed >= this.#electionTicks() && this.#promotable()) {
      this.#electionElapsed = 0;
      this.campaign();
    }
  }

  /** Who should rather not be the next leader leaves an election timeout to the others. */
  #electionTicks(): number {
    return this.#randomizedElectionTicks + (this.#follower.stepsBack ? this.config.electionTicks : 0);
  }

  /** The disk makes no progress. One that has nothing to do is not stalled. */
  get diskStalled(): boolean {
    return this.#diskTicks >= this.config.stalledDiskTicks;
  }

  get snapshotWanted(): boolean {
    return this.#follower.snapshotWanted;
  }

  requestSnapshot(): void {
    this.#follower.requestSnapshot();
  }

  /** Tries to become the leader, unless it cannot be one now. */
  campaign(): void {
    this.#campaignIfFit(this.config.preVote ? "pre-election" : "election");
  }

  /**
   * Without pre-vote: the others still hear the leader. One that hands over because it was removed may say so before this node has
   * applied the removal, and will not say it again.
   */
  campaignForLeader(): void {
    if (this.#hasUnappliedChange()) this.#takeOverTicks = this.config.electionTicks;
    else this.#campaignIfFit("transfer");
  }

  #campaignIfFit(kind: Campaign): void {
    if (this.#role.kind === "leader" || !this.#promotable() || this.#hasUnappliedChange()) return;
    this.#campaign(kind);
  }

  /** Learners and removed nodes never lead, nor does a node whose log is about to be replaced or whose disk hangs. */
  #promotable(): boolean {
    return isVoter(this.membership, this.id) && !this.log.hasPendingSnapshot && !this.diskStalled;
  }

  /** A committed change of membership that is not applied: this node does not know yet whose votes it needs. */
  #hasUnappliedChange(): boolean {
    const high = this.log.committed + 1;
    let low = Math.max(this.log.applied + 1, this.log.firstIndex);
    while (low < high) {
      const entries = this.log.entriesFrom(low, this.config.maxMessageBytes, high);
      assert(entries !== undefined && entries.length > 0, "what is not applied is not compacted");
      if (entries.some((entry) => entry.type !== EntryType.EntryNormal)) return true;
      low += entries.length;
    }
    return false;
  }

  #campaign(kind: Campaign): void {
    const votes = new Votes();
    this.#follower.campaigns();
    if (kind === "pre-election") {
      this.#becomePreCandidate(votes);
      votes.record(this.id, true);
      if (votes.result(this.membership) === "won") {
        this.#campaign("election");
        return;
      }
    } else {
      this.#becomeCandidate(votes);
      // The own vote counts like any other: once it cannot be forgotten.
      this.send(message(MessageType.MsgVoteResp, this.id, { term: this.#term }));
    }
    const type = kind === "pre-election" ? MessageType.MsgPreVote : MessageType.MsgVote;
    const place = {
      term: kind === "pre-election" ? this.#term + 1 : this.#term,
      index: this.log.lastIndex,
      logTerm: this.log.lastTerm,
      ...(kind === "transfer" && { context: transferContext }),
    };
    for (const id of members(this.membership)) {
      if (id !== this.id && isVoter(this.membership, id)) this.send(message(type, id, place));
    }
  }

  /** Takes a message from another member. Those of kinds that members do not send each other are dropped. */
  step(m: Message): void {
    // Terms are compared once, here: no handler below ever sees a message from the past (§5.1).
    if (!this.#settleTerm(m)) return;
    switch (m.type) {
      case MessageType.MsgVote:
      case MessageType.MsgPreVote:
        this.#handleVoteRequest(m);
        break;
      case MessageType.MsgProp:
        this.propose(m.entries, m.from);
        break;
      case MessageType.MsgReadIndex:
        this.readIndex(m.entries[0]?.data ?? m.context, m.from);
        break;
      case MessageType.MsgTransferLeader:
        this.transferLeader(m.from);
        break;
      default:
        this.#stepRole(m);
    }
  }

  #stepRole(m: Message): void {
    switch (this.#role.kind) {
      case "follower":
        this.#follower.step(m);
        break;
      case "pre-candidate":
      case "candidate":
        this.#stepCandidate(m, this.#role);
        break;
      case "leader":
        this.#role.leader.step(m);
        break;
      default:
        unreachable(this.#role);
    }
  }

  /** Follows a newer term, turns down an older one. False if there is nothing more to do with the message. */
  #settleTerm(m: Message): boolean {
    // Passed on to the leader, whoever that is now.
    if (m.type === MessageType.MsgProp || m.type === MessageType.MsgReadIndex) return true;
    if (m.term === 0) return false; // nothing else comes without a term
    if (m.term > this.#term) return this.#settleNewerTerm(m);
    if (m.term < this.#term) this.#answerOlderTerm(m);
    return m.term === this.#term;
  }

  #settleNewerTerm(m: Message): boolean {
    switch (m.type) {
      case MessageType.MsgPreVote:
        return !this.#ignoresVoteRequest(m); // a question: nothing changes here by being asked
      case MessageType.MsgPreVoteResp:
        if (m.reject) this.#becomeFollower(m.term, nobody);
        return true; // granted for the term to come
      case MessageType.MsgVote: {
        if (this.#ignoresVoteRequest(m)) return false;
        // Being asked is no sign of a leader: a candidate that cannot win must not put off one that can (§5.2).
        const elapsed = this.#role.kind === "leader" ? 0 : this.#electionElapsed;
        this.#becomeFollower(m.term, nobody);
        this.#electionElapsed = elapsed;
        return true;
      }
      case MessageType.MsgApp:
      case MessageType.MsgHeartbeat:
      case MessageType.MsgSnap:
        this.#becomeFollower(m.term, m.from);
        return true;
      default:
        this.#becomeFollower(m.term, nobody);
        return true;
    }
  }

  /** While a leader is alive nobody is helped to depose it, unless it asked for that (thesis §4.2.3). */
  #ignoresVoteRequest(m: Message): boolean {
    const leaderIsAlive = this.#leader !== nobody && this.#electionElapsed < this.config.electionTicks;
    return this.config.checkQuorum && leaderIsAlive && !equalBytes(m.context, transferContext);
  }

  #answerOlderTerm(m: Message): void {
    if (m.type === MessageType.MsgHeartbeat || m.type === MessageType.MsgApp) {
      // A node that came back with a higher term cannot be reached by the leader, and with the leader alive nobody else
      // answers its campaigns: the answer's term brings the leader down and everybody together again.
      if (this.config.checkQuorum || this.config.preVote) {
        this.send(message(MessageType.MsgAppResp, m.from));
      }
    } else if (m.type === MessageType.MsgPreVote) {
      this.send(message(MessageType.MsgPreVoteResp, m.from, { term: this.#term, reject: true }));
    }
  }

  #handleVoteRequest(m: Message): void {
    const preVote = m.type === MessageType.MsgPreVote;
    const free =
      this.#vote === m.from || (this.#vote === nobody && this.#leader === nobody) || (preVote && m.term > this.#term);
    // A learner answers too: it may have been promoted without knowing it yet, and its vote may be needed.
    const granted = free && this.log.isUpToDate(m.index, m.logTerm);
    const type = preVote ? MessageType.MsgPreVoteResp : MessageType.MsgVoteResp;
    this.send(message(type, m.from, { term: granted ? m.term : this.#term, reject: !granted }));
    if (granted && !preVote) {
      this.#vote = m.from;
      this.#electionElapsed = 0;
    }
  }

  #stepCandidate(m: Message, role: RoleState & { readonly kind: "pre-candidate" | "candidate" }): void {
    switch (m.type) {
      case MessageType.MsgApp:
      case MessageType.MsgHeartbeat:
      case MessageType.MsgSnap:
        this.#becomeFollower(m.term, m.from); // somebody else has won this term
        this.#follower.step(m);
        break;
      case MessageType.MsgPreVoteResp:
        if (role.kind === "pre-candidate" && (m.reject || m.term === this.#term + 1)) this.#countVote(m, role);
        break;
      case MessageType.MsgVoteResp:
        if (role.kind === "candidate") this.#countVote(m, role);
        break;
    }
  }

  #countVote(m: Message, role: RoleState & { readonly kind: "pre-candidate" | "candidate" }): void {
    role.votes.record(m.from, !m.reject);
    switch (role.votes.result(this.membership)) {
      case "won":
        if (role.kind === "candidate") this.#becomeLeader();
        else this.#campaign("election");
        break;
      case "lost":
        this.#becomeFollower(this.#term, nobody);
    }
  }

  heardFrom(leader: NodeId): void {
    assert(this.#leader === nobody || this.#leader === leader, "a term has one leader");
    this.#electionElapsed = 0;
    this.#leader = leader;
  }

  /** On a follower, passes the proposals on. `from` is who proposed first. */
  propose(proposals: readonly Proposal[], from: NodeId = this.id): Outcome {
    assert(proposals.length > 0, "something is proposed");
    if (this.#role.kind === "leader") return this.#role.leader.propose(proposals, from === this.id);
    if (!this.#canPassOn(from)) return refused("NoLeader");
    if (this.config.disableProposalForwarding) return refused("ForwardingDisabled");
    const entries = proposals.map(({ type, data }) => ({ type, term: 0, index: 0, data }));
    this.send(message(MessageType.MsgProp, this.#leader, { from, entries }));
    return accepted;
  }

  /** On a follower, asks the leader. */
  readIndex(context: Uint8Array, from: NodeId = this.id): Outcome {
    if (this.#role.kind === "leader") {
      this.#role.leader.readIndex(from, context);
      return accepted;
    }
    if (!this.#canPassOn(from)) return refused("NoLeader");
    const entries = [{ type: EntryType.EntryNormal, term: 0, index: 0, data: context }];
    this.send(message(MessageType.MsgReadIndex, this.#leader, { from, entries }));
    return accepted;
  }

  transferLeader(to: NodeId): void {
    if (this.#role.kind === "leader") this.#role.leader.transferTo(to);
    else if (this.#canPassOn(to)) this.send(message(MessageType.MsgTransferLeader, this.#leader, { from: to }));
  }

  /** Two nodes that take each other for the leader would send a request to and fro. */
  #canPassOn(from: NodeId): boolean {
    return this.#leader !== nobody && (this.#leader !== from || from === this.id);
  }

  /** The caller knows that the leader is gone: votes are not withheld for its sake any longer. Nothing to a leader. */
  forgetLeader(): Outcome {
    if (this.config.readOnly === "lease") return refused("LeaseReads");
    if (this.#role.kind === "follower") this.#leader = nobody;
    return accepted;
  }

  applyConfChange(change: ConfChangeV2, index: Index): ConfState {
    const { confState, isNews } = this.#membership.apply(change, index);
    if (isNews) this.leadership?.membershipChanged();
    return confState;
  }

  replaceMembership(membership: Membership, index: Index): void {
    this.#membership.replace(membership, index);
  }

  /** Every founding member starts with the same entries: they are committed because everybody has them. */
  bootstrap(entries: readonly Entry[], founders: ConfState): void {
    assert(this.log.lastIndex === 0 && this.#term === 0, "only an empty node founds a cluster");
    this.#becomeFollower(1, nobody);
    this.log.append(entries);
    this.log.commitTo(entries.length);
    // Known at once, not only when applied, so that the members know whom to hear.
    this.#membership.replace(fromConfState(founders), entries.length);
  }

  applied(index: Index): void {
    this.log.appliedTo(index);
    if (this.#takeOverTicks > 0) this.#campaignIfFit("transfer");
    this.leadership?.applied();
  }

  /** What Ready 1..number gave to the host is durable, and so is what `own` says to this node itself. */
  persisted(number: number, own: readonly Message[]): void {
    this.#diskTicks = 0;
    this.log.persisted(number);
    for (const m of own) this.step(m);
    this.leadership?.persisted();
  }

  #becomeFollower(term: Term, leader: NodeId): void {
    this.#reset(term);
    this.#role = follower;
    this.#leader = leader;
  }

  #becomePreCandidate(votes: Votes): void {
    assert(this.#role.kind !== "leader", "a leader does not campaign");
    this.#reset(this.#term); // neither term nor vote change: pre-vote leaves no trace
    this.#role = { kind: "pre-candidate", votes };
  }

  #becomeCandidate(votes: Votes): void {
    assert(this.#role.kind !== "leader", "a leader does not campaign");
    this.#reset(this.#term + 1);
    this.#vote = this.id;
    this.#role = { kind: "candidate", votes };
  }

  #becomeLeader(): void {
    assert(this.#role.kind === "candidate", "only a candidate is elected");
    this.#reset(this.#term);
    this.#leader = this.id;
    this.#role = { kind: "leader", leader: new Leader(this) };
  }

  stepDown(): void {
    this.#becomeFollower(this.#term, nobody);
  }

  #reset(term: Term): void {
    assert(term >= this.#term, "terms only grow");
    if (term > this.#term) {
      this.#term = term;
      this.#vote = nobody; // and only then: within a term a vote is never taken back
    }
    this.#leader = nobody;
    this.#electionElapsed = 0;
    this.#takeOverTicks = 0;
    this.#drawElectionTimeout();
  }

  /** From T to 2T-1 ticks, so that mostly one campaigns before the others wake up (§5.2). */
  #drawElectionTimeout(): void {
    const { electionTicks, random } = this.config;
    this.#randomizedElectionTicks = electionTicks + random.below(electionTicks);
  }

  answerRead(index: Index, context: Uint8Array): void {
    this.outbox.answerRead(index, context);
  }

  send(m: UnsignedMessage): void {
    this.outbox.send(m, this.#term);
  }
}
