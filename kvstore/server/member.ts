import { type Clock, Deferred, goDuration, type Log, Failure as WorldFailure } from "../../base/mod.ts";
import type { EtcdErrorName, Init, InternalRaftRequest, raftpb } from "../../proto/mod.ts";
import { type Message, type NodeId, nobody, RawNode } from "../../raft/mod.ts";
import type { Auth, Caller } from "../auth/mod.ts";
import { failpoints } from "../failpoint/mod.ts";
import type { MemberMetrics } from "../metrics/mod.ts";
import { type CompactionReport, type Failure, isFailure, type State } from "../mvcc/mod.ts";
import type { Alarms } from "./alarms.ts";
import type { Answers } from "./answers.ts";
import { AppliedWaiters } from "./applied-waiters.ts";
import { AutoCompactor } from "./auto-compactor.ts";
import { type Origin, openStorage } from "./bootstrap.ts";
import { CorruptionChecks } from "./corruption.ts";
import { CurrentState } from "./current-state.ts";
import { EntryApplier } from "./entry-applier.ts";
import { FirstElection } from "./first-election.ts";
import { LeaderDuties } from "./leader-duties.ts";
import { Leaders } from "./leaders.ts";
import { machineWorld } from "./machine-world.ts";
import type { ClusterMember, MemberChange, Membership } from "./membership.ts";
import { defaults, type MemberOptions, requestTimeoutMsOf } from "./options.ts";
import { openPast, type Past } from "./past.ts";
import { PeerAnswers, type PeerRequestHandler } from "./peer-answers.ts";
import { Promotion } from "./promotion.ts";
import { type MembersOutcome, Proposals } from "./proposals.ts";
import { type Leadership, RaftHost } from "./raft-host.ts";
import type { ReadFailure } from "./reads.ts";
import { Snapshots } from "./snapshots.ts";
import { Space } from "./space.ts";
import type { PeerAddress, PeerRequest, Transport } from "./transport.ts";
import { tooLowFor } from "./version.ts";
import type { World } from "./world.ts";

export type { Answers } from "./answers.ts";
export type { PeerRequestHandler } from "./peer-answers.ts";
export type { MembersOutcome } from "./proposals.ts";

/** Entries handed over to be applied in one go: a few milliseconds of work where they are small. */
const applyBytesInOneGo = 256 * 1024;
const publishRetryMs = 500;

/**
 * One member of the store: its log, its state, and its place in the cluster. What clients see is built on top (`../rpc`). This file
 * wires the parts together and lets them hear of each other; each of them is a file of its own.
 */
export class Member {
  readonly options: MemberOptions;
  readonly world: World;
  readonly id: bigint;
  readonly clusterId: bigint;
  readonly alarms: Alarms;
  readonly corruption: CorruptionChecks;
  readonly auth: Auth;
  readonly promotion: Promotion;
  readonly log: Log;
  readonly metrics: MemberMetrics;
  readonly electionMs: number;
  readonly host: RaftHost;
  /** The member is known to the cluster by its name and client URLs: clients find it. */
  readonly ready = new Deferred<void>();
  readonly #origin: Origin;
  readonly #state: CurrentState;
  readonly #proposals: Proposals;
  readonly #peerAnswers: PeerAnswers;
  readonly #snapshots: Snapshots;
  readonly #duties: LeaderDuties;
  readonly #leaders: Leaders;
  #checkedVersion: string | undefined;
  /** Members that the log has not told of yet. */
  readonly #strangers = new Map<NodeId, PeerAddress>();
  readonly #firstElection: FirstElection;
  readonly #autoCompactor: AutoCompactor | undefined;
  readonly #space: Space;
  readonly #appliedWaiters: AppliedWaiters;
  #transport!: Transport;
  /** Who leads, or 0n. */
  #askedLeader = nobody;
  #stopped = false;

  private constructor(options: MemberOptions, world: World, { origin, stateOptions, state, alarms, auth }: Past) {
    const { clock } = world;
    const isLost = origin.lost !== undefined;
    this.options = options;
    this.world = world;
    this.log = options.log;
    this.electionMs = options.electionMs ?? defaults.electionMs;
    this.id = origin.id;
    this.clusterId = origin.clusterId;
    this.alarms = alarms;
    this.auth = auth;
    this.metrics = stateOptions.metrics;
    this.#origin = origin;
    this.#state = new CurrentState({ state, isLost, stateOptions, alarms, auth, log: this.log });
    this.#appliedWaiters = new AppliedWaiters(clock);
    this.#proposals = new Proposals(this);
    this.#peerAnswers = new PeerAnswers(this);
    this.#leaders = new Leaders({
      clock,
      electionMs: this.electionMs,
      current: () => this.leadership,
      isSelf: (id) => id === this.id,
      connected: (id, sinceMs) => this.#connected(id, sinceMs),
      quorumConnected: (sinceMs) => this.#quorumConnected(sinceMs),
    });
    this.#firstElection = new FirstElection(this);
    const heartbeatMs = options.heartbeatMs ?? defaults.heartbeatMs;
    const electionTicks = Math.max(2, Math.round(this.electionMs / heartbeatMs));
    const applied = origin.lost ?? state.store.applied;
    const storage = openStorage(origin, applied, origin.lost?.confState ?? this.membership.confState, this.log);
    const node = new RawNode({
      id: this.id,
      storage,
      random: world.random,
      applied: applied.index,
      electionTicks,
      preVote: options.preVote ?? true,
      priority: options.electionPriority ?? 0,
      maxApplyingBytes: applyBytesInOneGo,
      // The state is written when the log is durable below it: `logged` in the options of its backend.
      applyUnstable: true,
    });
    const applier = new EntryApplier({
      state: () => this.state,
      membership: this.membership,
      alarms,
      auth,
      applyConfChange: (change, index) => node.applyConfChange(change, index),
      clock,
      metrics: this.metrics,
      settle: (id, outcome) => this.#proposals.settle(id, outcome),
    });
    this.#snapshots = new Snapshots({
      stages: world.stages,
      state: () => this.state,
      membership: this.membership,
      storage,
      wal: origin.wal,
      log: this.log,
      snapshotCount: options.snapshotCount ?? defaults.snapshotCount,
      catchupEntries: options.snapshotCatchupEntries ?? defaults.snapshotCatchupEntries,
      neededIndex: () => this.#neededIndex(),
      keepsLog: options.maxWals === 0,
    });
    this.host = new RaftHost({
      node,
      storage,
      wal: origin.wal,
      transport: () => this.#transport,
      stateMachine: {
        apply: (entry) => {
          if (world.observe !== undefined) world.observe(entry);
          if (this.#state.isLost) applier.applyMembershipAlone(entry);
          else applier.apply(entry);
        },
        install: (snapshot) => this.#state.install(snapshot, this.#snapshots),
      },
      applied: applied.index,
      clock,
      log: this.log,
      tickMs: heartbeatMs,
      electionTicks,
      requestTimeoutMs: requestTimeoutMsOf(this.electionMs),
      // Which changes of membership came to nothing is part of the state: without it the quorum is not known for certain.
      mayCampaign: () => !this.#state.isLost,
      warningApplyMs: options.warningApplyMs ?? defaults.warningApplyMs,
      defer: (turn) => world.defer(turn),
      onLeadership: (now) => this.#onLeadership(now),
      onHandedOver: (term) => this.#proposals.handedOver(term),
      onApplied: (index) => this.#onApplied(index),
      onTick: () => this.#onTick(),
      onFailure: (error) => this.fail(error),
    });
    this.corruption = new CorruptionChecks(this);
    this.#autoCompactor = autoCompactorOf(this);
    this.promotion = new Promotion(this);
    this.#duties = new LeaderDuties(this);
    this.#space = new Space(this);
  }

  /** Opens everything and takes part in the cluster. Rejects with a `Failure` if the disk, a port or the flags forbid it. */
  static async start(options: MemberOptions): Promise<Member> {
    const world = options.world ?? machineWorld(options);
    let member: Member | undefined;
    const past = await openPast(options, world, {
      onFailure: (error) => (member === undefined ? options.onFailure(error) : member.fail(error)),
      onCompacted: (report) => member?.noteCompaction(report),
    });
    try {
      member = new Member(options, world, past);
      await member.#open();
      await member.#state.found;
      return member;
    } catch (error) {
      await past.origin.wal.close();
      throw error;
    }
  }

  noteCompaction({ revision, dropped, tookMs }: CompactionReport): void {
    this.corruption.compactionFinished(revision);
    this.metrics.compactionTotalMs.observe(tookMs);
    this.metrics.compactionLast.value = Math.floor(this.clock.now() / 1000);
    this.metrics.compactedVersions.value += dropped;
    const { backend, store } = this.state;
    this.log("info", "finished scheduled compaction", {
      "compact-revision": revision,
      took: goDuration(tookMs),
      "number-of-keys-compacted": dropped,
      "current-db-size-bytes": backend.sizeBytes,
      "current-db-size-in-use-bytes": store.sizeInUseBytes,
    });
  }

  get clock(): Clock {
    return this.world.clock;
  }

  /** The state as of now. A snapshot may put another in its place: do not keep it. */
  get state(): State {
    return this.#state.now;
  }

  get membership(): Membership {
    return this.#state.membership;
  }

  /** In order of id. */
  get voters(): readonly ClusterMember[] {
    return this.membership.members.filter(({ isLearner }) => !isLearner);
  }

  get leadership(): Leadership {
    return this.host.leadership;
  }

  get isLeader(): boolean {
    return this.host.isLeader;
  }

  get isLearner(): boolean {
    return this.membership.member(this.id)?.isLearner ?? false;
  }

  get applied(): number {
    return this.host.applied;
  }

  get committed(): number {
    return this.host.committed;
  }

  get transport(): Transport {
    return this.#transport;
  }

  get version(): string {
    return this.options.version ?? defaults.version;
  }

  get leaderChangesSeen(): number {
    return this.#leaders.changes;
  }

  get pendingRequests(): number {
    return this.#proposals.pending;
  }

  /** Requests given up so far. */
  get lostRequests(): number {
    return this.#proposals.lost;
  }

  get quotaBytes(): number {
    const quota = this.options.quotaBytes ?? 0;
    return quota === 0 ? defaults.quotaBytes : quota;
  }

  /** Gives how to stop listening. */
  onLeadership(listener: (now: Leadership) => void): () => void {
    return this.#leaders.listen(listener);
  }

  /** Called when a snapshot has put another state in place, before anything is applied to it. */
  onState(listener: (state: State) => void): void {
    this.#state.onReplaced(listener);
  }

  answerPeers(kind: PeerRequest, handler: PeerRequestHandler): void {
    this.#peerAnswers.serve(kind, handler);
  }

  /**
   * Puts a request into the log and calls back when it was applied here. `request` is encoded before this returns. Failures
   * are values: what applying it gave, or why nobody knows. `caller` is who asks, while auth is enabled.
   */
  propose<Kind extends keyof Answers>(
    kind: Kind,
    request: Init<NonNullable<InternalRaftRequest[Kind]>>,
    done: (outcome: Answers[Kind] | Failure<EtcdErrorName>) => void,
    caller?: Caller,
  ): void {
    this.#proposals.propose(kind, request, done, caller);
  }

  /** As `propose`, for callers that are not in a hurry. */
  proposed<Kind extends keyof Answers>(
    kind: Kind,
    request: Init<NonNullable<InternalRaftRequest[Kind]>>,
    caller?: Caller,
  ): Promise<Answers[Kind] | Failure<EtcdErrorName>> {
    return new Promise((resolve) => this.#proposals.propose(kind, request, resolve, caller));
  }

  /**
   * As `proposed`, for what only the leader decides: `NotLeader` if this member does not lead. Nobody else will put it into the
   * log. Rejects if nothing came of it, or nobody knows.
   */
  proposedAsLeader<Kind extends keyof Answers>(
    kind: Kind,
    request: Init<NonNullable<InternalRaftRequest[Kind]>>,
  ): Promise<void> {
    return this.#proposals.proposedAsLeader(kind, request);
  }

  /** Puts a change of membership into the log; gives the members after it. */
  changeMembership(
    type: raftpb.ConfChangeType,
    nodeId: bigint,
    change: MemberChange | undefined,
  ): Promise<MembersOutcome> {
    return this.#proposals.changeMembership(type, nodeId, change);
  }

  /**
   * Makes voters of learners: several by way of a joint configuration, so that the quorum never depends on some of them before it
   * can depend on all. Gives the members after it.
   */
  promote(ids: readonly bigint[]): Promise<MembersOutcome> {
    return this.#proposals.promote(ids);
  }

  /** The state here is damaged: a snapshot of the leader's is to replace it. Nothing that was applied is taken back. */
  requestSnapshot(): void {
    this.log("warn", "asking the leader for a snapshot", { applied: this.applied });
    this.host.requestSnapshot();
  }

  /** Calls back once the state here is at least as new as every write acknowledged, anywhere, before this call. */
  linearizable(waiter: (failure: ReadFailure | undefined) => void): void {
    this.host.linearizable(waiter);
  }

  /** Resolves when `index` is applied here, or after `timeoutMs`. */
  whenApplied(index: number, timeoutMs: number): Promise<void> {
    return this.#appliedWaiters.wait(index, timeoutMs);
  }

  /** Resolves when this member's leader is another one than `from`, or after `timeoutMs`. */
  leaderChange(from: bigint, timeoutMs: number): Promise<boolean> {
    return this.#leaders.change(from, timeoutMs);
  }

  /** Stops at once, after a failure of the disk or of an invariant: whoever asked hears that nobody knows. */
  fail(error: unknown): void {
    if (this.#stopped) return;
    this.log("error", "the member cannot go on", { error: error instanceof Error ? error.message : String(error) });
    this.#halt();
    this.options.onFailure(error);
  }

  /** Hands the leadership over if it has it, lets go of everything. Clients should have been shut out before. */
  async stop(): Promise<void> {
    if (!this.#stopped) await this.#handOver();
    this.#autoCompactor?.stop();
    this.#halt();
    await this.#transport.stop();
    await this.#origin.wal.close();
    await this.state.backend.close();
  }

  #halt(): void {
    this.#stopped = true;
    this.host.stop();
    this.state.lessor.demote();
    this.#proposals.stop();
  }

  async #open(): Promise<void> {
    const tooLow = tooLowFor(this.membership.version, this.version);
    if (tooLow !== undefined) throw tooLow;
    this.#transport = await this.world.openTransport({
      metrics: this.metrics,
      clusterId: this.clusterId,
      self: this.id,
      version: this.version,
      peerUrls: () => this.membership.member(this.id)?.peerUrls ?? this.options.advertisePeerUrls,
      isRemoved: (id) => this.membership.isRemoved(id),
      openSnapshot: (message) => this.#snapshots.open(message),
      openStage: () => this.#snapshots.stage(),
      events: {
        message: (message) => this.host.step(message),
        unreachable: (id) => this.host.reportUnreachable(id),
        introduced: (peer) => this.#introduced(peer),
        removed: () => this.#removed(),
        snapshotSent: (id, ok) => this.host.reportSnapshot(id, ok),
        snapshotReceived: (message, stage) => this.host.step(withStage(message, stage)),
        request: (kind: PeerRequest, payload) => this.#peerAnswers.answer(kind, payload),
      },
    });
    this.membership.onChange(() => this.#connect());
    this.#connect();
    if (this.#state.isLost) this.requestSnapshot();
    this.host.start();
    if (failpoints.armed) failpoints.pass("beforePublishing", () => this.#publish());
    else this.#publish();
  }

  /** Until the log has told of all members, those that the start knew, and those that made themselves known, are there too. */
  #connect(): void {
    const { members } = this.membership;
    const untold = [...this.#origin.peers, ...this.#strangers.values()].filter(({ id }) => !this.#isKnown(id));
    this.#transport.setPeers([...members, ...untold]);
  }

  /**
   * Who fell behind does not know who joined since. If one of those leads by now, it must be answered all the same: else it would never
   * find out from where on to send what this member lacks, in which it stands who the leader is. (etcd: rafthttp's `AddRemote`.)
   */
  #introduced(peer: PeerAddress): void {
    for (const id of this.#strangers.keys()) if (this.#isKnown(id)) this.#strangers.delete(id);
    if (this.#isKnown(peer.id)) return;
    this.#strangers.set(peer.id, peer);
    this.#connect();
  }

  #isKnown(id: NodeId): boolean {
    return this.membership.member(id) !== undefined || this.membership.isRemoved(id);
  }

  /** Tells the cluster this member's name and client URLs, until it knows. */
  #publish(): void {
    const { name, advertiseClientUrls: clientUrls } = this.options;
    this.propose("clusterMemberAttrSet", { memberID: this.id, memberAttributes: { name, clientUrls } }, (outcome) => {
      if (!isFailure(outcome)) {
        this.ready.resolve();
        this.log("info", "ready to serve client requests", { id: this.id.toString(16), name });
      } else if (!this.#stopped) this.clock.after(publishRetryMs, () => this.#publish());
    });
  }

  #onLeadership(now: Leadership): void {
    // What it was asked as the leader it may never answer: it may have stalled, which is why it is none any more.
    if (now.leader !== this.#askedLeader) this.#transport.abandonRequests(this.#askedLeader);
    this.#askedLeader = now.leader;
    this.#leaders.note(now);
    this.log("info", "leadership", { role: now.role, leader: now.leader.toString(16), term: now.term });
    this.#duties.leadershipChanged(now);
    this.#leaders.tell(now);
  }

  /** A member that was removed has nothing left to do, and must not be mistaken for one that only lost its way. */
  #removed(): void {
    const why = `member ${this.id.toString(16)} was removed from the cluster`;
    const advice = "Delete its data directory; to take part again it must be added as a new member";
    this.fail(new WorldFailure("MemberRemoved", why, advice));
  }

  #onApplied(index: number): void {
    if (this.#state.isLost) return;
    this.#appliedWaiters.applied(index);
    // A moment later, so that the others hear that the removal is known here.
    if (this.membership.isRemoved(this.id)) this.clock.after(this.electionMs, () => this.#removed());
    this.#snapshots.maybeCompact().catch((error: unknown) => this.fail(error));
    this.#snapshots.offerWanted();
  }

  #neededIndex(): number {
    let needed = Number.POSITIVE_INFINITY;
    for (const { match, recentActive, pendingSnapshot } of this.host.node.status().progress.values()) {
      if (recentActive) needed = Math.min(needed, Math.max(match, pendingSnapshot) + 1);
    }
    return needed;
  }

  #onTick(): void {
    const nowMs = this.clock.monotonic();
    this.#proposals.tick(nowMs, (sinceMs) => this.#leaders.whyLost(sinceMs));
    if (!this.#state.isLost) this.#snapshots.offerWanted();
    this.#duties.tick(nowMs);
    this.corruption.tick(nowMs);
    this.#space.tick(nowMs);
    this.#checkVersion();
    this.#firstElection.tick();
  }

  /** Once for each version that the cluster is set to. */
  #checkVersion(): void {
    const { version } = this.membership;
    if (version === this.#checkedVersion) return;
    this.#checkedVersion = version;
    const tooLow = tooLowFor(version, this.version);
    if (tooLow !== undefined) this.fail(tooLow);
  }

  #connected(id: bigint, sinceMs: number): boolean {
    const upSince = this.#transport.connectedSince(id);
    return upSince !== undefined && upSince <= sinceMs;
  }

  #quorumConnected(sinceMs: number): boolean {
    const reachable = this.voters.filter(({ id }) => id === this.id || this.#connected(id, sinceMs));
    return reachable.length * 2 > this.voters.length;
  }

  /** To the voter that has been connected for longest. */
  async #handOver(): Promise<void> {
    if (!this.isLeader) return;
    const candidates = this.voters
      .filter(({ id }) => id !== this.id && this.#transport.connectedSince(id) !== undefined)
      .sort((a, b) => this.#transport.connectedSince(a.id)! - this.#transport.connectedSince(b.id)!);
    const target = candidates[0];
    if (target === undefined) return;
    this.log("info", "handing the leadership over", { to: target.id.toString(16) });
    this.host.transferLeader(target.id);
    await this.leaderChange(this.id, this.electionMs);
  }
}

function autoCompactorOf(member: Member): AutoCompactor | undefined {
  const { options, clock, log } = member;
  if (options.autoCompaction === undefined) return undefined;
  return new AutoCompactor({
    retention: options.autoCompaction,
    clock,
    log,
    isLeader: () => member.isLeader,
    revision: () => member.state.store.revision,
    async compact(revision) {
      const outcome = await member.proposed("compaction", { revision }, member.auth.self);
      return !isFailure(outcome) || outcome.failure === "Compacted";
    },
  });
}

function withStage(message: Message, stage: string): Message {
  return { ...message, snapshot: { ...message.snapshot!, data: Buffer.from(stage) } };
}
