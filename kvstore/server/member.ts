import { join } from "node:path";
import {
  assert,
  type Clock,
  Deferred,
  goDuration,
  type Log,
  type Random,
  seededRandom,
  Failure as WorldFailure,
} from "../../base/mod.ts";
import { type AlarmMember, type EtcdErrorName, type Init, InternalRaftRequest, raftpb } from "../../proto/mod.ts";
import {
  asConfChangeV2,
  type ConfChangeV2,
  EntryType,
  type Message,
  nobody,
  RawNode,
  type Snapshot,
} from "../../raft/mod.ts";
import { Auth, type AuthAnswers, type Caller, readAuthRecords } from "../auth/mod.ts";
import { failpoints } from "../failpoint/mod.ts";
import { MemberMetrics } from "../metrics/mod.ts";
import {
  type CompactionAnswer,
  type CompactionReport,
  type DeleteRangeAnswer,
  type Failure,
  fail,
  type HeaderAnswer,
  installState,
  isFailure,
  type LeaseGrantAnswer,
  LevelHome,
  openState,
  type PutAnswer,
  type State,
  type StateOptions,
  type TxnAnswer,
} from "../mvcc/mod.ts";
import { nodeFiles, unsyncedNodeFiles } from "../wal/mod.ts";
import { Alarms } from "./alarms.ts";
import { AppliedWaiters } from "./applied-waiters.ts";
import { AutoCompactor } from "./auto-compactor.ts";
import { type AskForMembers, type Origin, openOrigin, openStorage } from "./bootstrap.ts";
import { CorruptionChecks } from "./corruption.ts";
import { EntryApplier } from "./entry-applier.ts";
import { forceNewCluster } from "./force-new-cluster.ts";
import { refuseEtcdState } from "./foreign-state.ts";
import { RequestIds } from "./ids.ts";
import { askForMembers, encodeMembers } from "./join.ts";
import { LeaderDuties } from "./leader-duties.ts";
import { databaseUnreadable, findLostState } from "./lost-state.ts";
import { machineClock } from "./machine-clock.ts";
import {
  type ClusterMember,
  encodeMemberChange,
  encodePromotions,
  type MemberChange,
  Membership,
} from "./membership.ts";
import { defaults, type MemberOptions } from "./options.ts";
import { PeerTransport } from "./peer/peer-transport.ts";
import { Promotion } from "./promotion.ts";
import { type Leadership, RaftHost } from "./raft-host.ts";
import type { ReadFailure } from "./reads.ts";
import { type LostReason, Requests } from "./requests.ts";
import { Snapshots } from "./snapshots.ts";
import { Space } from "./space.ts";
import { type PeerRequest, peerRequests, type Transport } from "./transport.ts";
import { tooLowFor } from "./version.ts";

/** What applying a request gives. */
export interface Answers extends AuthAnswers {
  put: PutAnswer;
  deleteRange: DeleteRangeAnswer;
  txn: TxnAnswer;
  compaction: CompactionAnswer;
  leaseGrant: LeaseGrantAnswer;
  leaseRevoke: HeaderAnswer;
  leaseCheckpoint: HeaderAnswer;
  alarm: readonly AlarmMember[];
  clusterVersionSet: undefined;
  clusterMemberAttrSet: undefined;
  downgradeInfoSet: undefined;
}

export type MembersOutcome = readonly ClusterMember[] | Failure<EtcdErrorName>;

/** A change of membership, and the entry of the log that holds it. */
interface ChangeEntry {
  readonly change: ConfChangeV2;
  readonly type: EntryType;
  readonly data: Uint8Array;
}

/** Applied entries may fall this far behind committed ones before new requests are turned away. */
const applyLagLimit = 5000;
/** Entries handed over to be applied in one go: a few milliseconds of work where they are small. */
const applyBytesInOneGo = 256 * 1024;
const publishRetryMs = 500;
const changeRetryMs = 100;

/** Answers what other members ask of this one. Set by whoever serves the kind. */
export type PeerRequestHandler = (payload: Uint8Array) => Promise<Uint8Array>;

/** One member of the store: its log, its state, and its place in the cluster. What clients see is built on top (`../rpc`). */
export class Member {
  readonly options: MemberOptions;
  readonly id: bigint;
  readonly clusterId: bigint;
  readonly membership: Membership;
  readonly alarms: Alarms;
  readonly corruption: CorruptionChecks;
  readonly auth: Auth;
  readonly promotion: Promotion;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: MemberMetrics;
  readonly electionMs: number;
  /** The member is known to the cluster by its name and client URLs: clients find it. */
  readonly ready = new Deferred<void>();
  readonly #origin: Origin;
  readonly #stateOptions: StateOptions;
  readonly #requests: Requests;
  readonly #ids: RequestIds;
  readonly #host: RaftHost;
  readonly #snapshots: Snapshots;
  readonly #duties: LeaderDuties;
  readonly #autoCompactor: AutoCompactor | undefined;
  readonly #space: Space;
  readonly #appliedWaiters: AppliedWaiters;
  readonly #peerHandlers = new Map<PeerRequest, PeerRequestHandler>();
  readonly #leadershipListeners = new Set<(now: Leadership) => void>();
  readonly #stateListeners: ((state: State) => void)[] = [];
  #transport!: Transport;
  #state: State;
  #leaderSinceMs = 0;
  #leaderLostMs = 0;
  #lastLeader = nobody;
  /** Who leads, or 0n. */
  #askedLeader = nobody;
  #leaderChanges = 0;
  #campaigned = false;
  /** Nothing is applied, and nobody served, before a snapshot has come. */
  #stateIsLost: boolean;
  readonly #stateFound = new Deferred<void>();
  #appliedTermAtTick = 0;
  #stopped = false;

  private constructor(
    options: MemberOptions,
    origin: Origin,
    stateOptions: StateOptions,
    state: State,
    alarms: Alarms,
    auth: Auth,
  ) {
    this.options = options;
    this.log = options.log;
    this.clock = options.clock ?? machineClock;
    this.electionMs = options.electionMs ?? defaults.electionMs;
    this.id = origin.id;
    this.clusterId = origin.clusterId;
    this.alarms = alarms;
    this.auth = auth;
    this.metrics = stateOptions.metrics ?? new MemberMetrics();
    this.#appliedWaiters = new AppliedWaiters(this.clock);
    this.#origin = origin;
    this.#stateIsLost = origin.lost !== undefined;
    this.#stateOptions = stateOptions;
    this.#state = state;
    this.membership = new Membership({
      get: (bucket, key) => this.#state.backend.get(bucket, key),
      put: (bucket, key, value) => this.#state.backend.put(bucket, key, value),
      delete: (bucket, key) => this.#state.backend.delete(bucket, key),
    });
    this.#ids = new RequestIds(this.id, this.clock.now());
    const requestTimeoutMs = 5000 + 2 * this.electionMs;
    this.#requests = new Requests(requestTimeoutMs);
    const heartbeatMs = options.heartbeatMs ?? defaults.heartbeatMs;
    const electionTicks = Math.max(2, Math.round(this.electionMs / heartbeatMs));
    if (origin.lost === undefined) this.#stateFound.resolve();
    const applied = origin.lost ?? state.store.applied;
    const storage = openStorage(origin, applied, origin.lost?.confState ?? this.membership.confState, this.log);
    const node = new RawNode({
      id: this.id,
      storage,
      random: options.random ?? machineRandom(this.id),
      applied: applied.index,
      electionTicks,
      preVote: options.preVote ?? true,
      priority: options.electionPriority ?? 0,
      maxApplyingBytes: applyBytesInOneGo,
    });
    const applier = new EntryApplier({
      state: () => this.#state,
      membership: this.membership,
      alarms,
      auth,
      applyConfChange: (change, index) => node.applyConfChange(change, index),
      clock: this.clock,
      metrics: this.metrics,
      settle: (id, outcome) => this.#requests.settle(id, outcome),
    });
    this.#host = new RaftHost({
      node,
      storage,
      wal: origin.wal,
      transport: () => this.#transport,
      stateMachine: {
        apply: (entry) => (this.#stateIsLost ? applier.applyMembershipAlone(entry) : applier.apply(entry)),
        install: (snapshot) => this.#install(snapshot),
      },
      applied: applied.index,
      clock: this.clock,
      log: this.log,
      tickMs: heartbeatMs,
      electionTicks,
      requestTimeoutMs,
      // Which changes of membership came to nothing is part of the state: without it the quorum is not known for certain.
      mayCampaign: () => !this.#stateIsLost,
      warningApplyMs: options.warningApplyMs ?? defaults.warningApplyMs,
      onLeadership: (now) => this.#onLeadership(now),
      onHandedOver: (term) => this.#requests.handedOver(term),
      onApplied: (index) => this.#onApplied(index),
      onTick: () => this.#onTick(),
      onFailure: (error) => this.fail(error),
    });
    this.#snapshots = new Snapshots({
      directory: join(options.dataDir, "member", "snap"),
      state: () => this.#state,
      membership: this.membership,
      storage,
      wal: origin.wal,
      log: this.log,
      snapshotCount: options.snapshotCount ?? defaults.snapshotCount,
      catchupEntries: options.snapshotCatchupEntries ?? defaults.snapshotCatchupEntries,
      neededIndex: () => this.#neededIndex(),
      keepsLog: options.maxWals === 0,
    });
    this.corruption = new CorruptionChecks(this);
    this.#autoCompactor = autoCompactorOf(this);
    this.promotion = new Promotion(this);
    this.#duties = new LeaderDuties(this);
    this.#space = new Space(this);
  }

  /** Opens everything and takes part in the cluster. Rejects with a `Failure` if the disk, a port or the flags forbid it. */
  static async start(options: MemberOptions): Promise<Member> {
    let member: Member | undefined;
    const onFailure = (error: unknown) => (member === undefined ? options.onFailure(error) : member.fail(error));
    const clock = options.clock ?? machineClock;
    const directory = options.walDir ?? join(options.dataDir, "member", "wal");
    const databasePath = join(options.dataDir, "member", "snap", "db");
    await refuseEtcdState(options.dataDir, databasePath);
    const sync = options.unsafeNoFsync !== true;
    const files = sync ? nodeFiles : unsyncedNodeFiles;
    const ask: AskForMembers = (urls, upToDate) =>
      askForMembers(urls, options.peerTls, clock, options.version ?? defaults.version, upToDate);
    const metrics = new MemberMetrics();
    const origin = await openOrigin(options, { files, directory, onFailure, measure: { clock, metrics } }, ask);
    const home = new LevelHome(databasePath, { sync });
    const minLeaseTtl = Math.ceil((3 * (options.electionMs ?? defaults.electionMs)) / 2000);
    const stateOptions: StateOptions = {
      home,
      clock,
      minLeaseTtl,
      metrics,
      onFailure,
      batching: {
        intervalMs: options.backendBatchIntervalMs ?? defaults.backendBatchIntervalMs,
        batchLimit: options.backendBatchLimit,
      },
      compactionPace: options.compaction,
      onCompacted: (report) => member?.noteCompaction(report),
    };
    try {
      const state = await openState(stateOptions).catch((error: unknown) => databaseUnreadable(databasePath, error));
      await defragmentAtStart(options, state);
      const alarms = await Alarms.open(state.backend);
      const auth = await Auth.open({ ...options.auth, clock, log: options.log }, state.backend);
      const found = await findLostState(origin, state.store.applied.index, options, ask);
      member = new Member(options, await originFor(options, found, state), stateOptions, state, alarms, auth);
      await member.#open();
      await member.#stateFound.promise;
      return member;
    } catch (error) {
      await origin.wal.close();
      throw error;
    }
  }

  noteCompaction({ revision, dropped, tookMs }: CompactionReport): void {
    this.corruption.compactionFinished(revision);
    this.metrics.compactionTotalMs.observe(tookMs);
    this.metrics.compactionLast.value = Math.floor(this.clock.now() / 1000);
    this.metrics.compactedVersions.value += dropped;
    const { backend, store } = this.#state;
    this.log("info", "finished scheduled compaction", {
      "compact-revision": revision,
      took: goDuration(tookMs),
      "number-of-keys-compacted": dropped,
      "current-db-size-bytes": backend.sizeBytes,
      "current-db-size-in-use-bytes": store.sizeInUseBytes,
    });
  }

  /** The state as of now. A snapshot may put another in its place: do not keep it. */
  get state(): State {
    return this.#state;
  }

  get leadership(): Leadership {
    return this.#host.leadership;
  }

  get isLeader(): boolean {
    return this.#host.isLeader;
  }

  get isLearner(): boolean {
    return this.membership.member(this.id)?.isLearner ?? false;
  }

  get applied(): number {
    return this.#host.applied;
  }

  get committed(): number {
    return this.#host.committed;
  }

  get host(): RaftHost {
    return this.#host;
  }

  get transport(): Transport {
    return this.#transport;
  }

  get version(): string {
    return this.options.version ?? defaults.version;
  }

  get leaderChangesSeen(): number {
    return this.#leaderChanges;
  }

  get pendingRequests(): number {
    return this.#requests.size;
  }

  /** Requests given up so far. */
  get lostRequests(): number {
    return this.#requests.lost;
  }

  get quotaBytes(): number {
    const quota = this.options.quotaBytes ?? 0;
    return quota === 0 ? defaults.quotaBytes : quota;
  }

  /** Gives how to stop listening. */
  onLeadership(listener: (now: Leadership) => void): () => void {
    this.#leadershipListeners.add(listener);
    return () => this.#leadershipListeners.delete(listener);
  }

  /** Called when a snapshot has put another state in place, before anything is applied to it. */
  onState(listener: (state: State) => void): void {
    this.#stateListeners.push(listener);
  }

  answerPeers(kind: PeerRequest, handler: PeerRequestHandler): void {
    this.#peerHandlers.set(kind, handler);
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
    const refusal = this.#refusal();
    if (refusal !== undefined) {
      done(refusal);
      return;
    }
    const id = this.#ids.next();
    const header = caller === undefined ? { id } : { ...caller, id };
    const data = InternalRaftRequest.encode({ header, [kind]: request } as Init<InternalRaftRequest>);
    if (data.length > (this.options.maxRequestBytes ?? defaults.maxRequestBytes)) {
      done(fail("RequestTooLarge"));
      return;
    }
    this.#requests.add(id, this.clock.monotonic(), done as (outcome: unknown) => void);
    this.#host.propose(data);
  }

  /** As `propose`, for callers that are not in a hurry. */
  proposed<Kind extends keyof Answers>(
    kind: Kind,
    request: Init<NonNullable<InternalRaftRequest[Kind]>>,
    caller?: Caller,
  ): Promise<Answers[Kind] | Failure<EtcdErrorName>> {
    return new Promise((resolve) => this.propose(kind, request, resolve, caller));
  }

  /**
   * As `proposed`, for what only the leader decides: `NotLeader` if this member does not lead. Nobody else will put it into the
   * log. Rejects if nothing came of it, or nobody knows.
   */
  async proposedAsLeader<Kind extends keyof Answers>(
    kind: Kind,
    request: Init<NonNullable<InternalRaftRequest[Kind]>>,
  ): Promise<void> {
    const id = this.#ids.next();
    const header = this.auth.self === undefined ? { id } : { ...this.auth.self, id };
    const data = InternalRaftRequest.encode({ header, [kind]: request } as Init<InternalRaftRequest>);
    const outcome = await new Promise<unknown>((resolve) => {
      // Before the proposal, which a cluster of one may have applied when it returns.
      this.#requests.addHandedOver(id, this.clock.monotonic(), this.leadership.term, resolve);
      if (this.#stopped || !this.#host.proposeAsLeader(data)) this.#requests.settle(id, fail("NotLeader"));
    });
    if (isFailure(outcome as object)) throw new Error((outcome as Failure<string>).failure);
  }

  /** Puts a change of membership into the log; gives the members after it. */
  changeMembership(
    type: raftpb.ConfChangeType,
    nodeId: bigint,
    change: MemberChange | undefined,
  ): Promise<MembersOutcome> {
    const context = change === undefined ? new Uint8Array(0) : encodeMemberChange(change);
    return this.#proposedChange((id) => {
      const confChange = { id, type, nodeId, context };
      const data = raftpb.ConfChange.encode(confChange);
      return { change: asConfChangeV2(confChange), type: EntryType.EntryConfChange, data };
    });
  }

  /**
   * Makes voters of learners: several by way of a joint configuration, so that the quorum never depends on some of them before it
   * can depend on all. Gives the members after it.
   */
  promote(ids: readonly bigint[]): Promise<MembersOutcome> {
    const type = raftpb.ConfChangeType.ConfChangeAddNode;
    const [only, ...others] = ids.map((id) => this.membership.member(id));
    if (only === undefined || others.includes(undefined)) return Promise.resolve(fail("MemberNotFound"));
    if (others.length === 0) {
      return this.changeMembership(type, only.id, { member: { ...only, isLearner: false }, isPromote: true });
    }
    return this.#proposedChange((id) => {
      const changes = ids.map((nodeId) => ({ type, nodeId }));
      const transition = raftpb.ConfChangeTransition.ConfChangeTransitionJointImplicit;
      const change = { transition, changes, context: encodePromotions(id) };
      return { change, type: EntryType.EntryConfChangeV2, data: raftpb.ConfChangeV2.encode(change) };
    });
  }

  #proposedChange(changeFor: (requestId: bigint) => ChangeEntry): Promise<MembersOutcome> {
    if (this.#stopped) return Promise.resolve(fail("Stopped"));
    const id = this.#ids.next();
    return new Promise((resolve) => {
      this.#requests.add(id, this.clock.monotonic(), (outcome) => resolve(outcome as MembersOutcome), false);
      this.#proposeChange(changeFor(id), id);
    });
  }

  /** The state here is damaged: a snapshot of the leader's is to replace it. Nothing that was applied is taken back. */
  requestSnapshot(): void {
    this.log("warn", "asking the leader for a snapshot", { applied: this.applied });
    this.#host.requestSnapshot();
  }

  /** Calls back once the state here is at least as new as every write acknowledged, anywhere, before this call. */
  linearizable(waiter: (failure: ReadFailure | undefined) => void): void {
    this.#host.linearizable(waiter);
  }

  /** Resolves when `index` is applied here, or after `timeoutMs`. */
  whenApplied(index: number, timeoutMs: number): Promise<void> {
    return this.#appliedWaiters.wait(index, timeoutMs);
  }

  /** Resolves when this member's leader is another one than `from`, or after `timeoutMs`. */
  async leaderChange(from: bigint, timeoutMs: number): Promise<boolean> {
    const changed = new Deferred<boolean>();
    const stopListening = this.onLeadership(({ leader }) => {
      if (leader !== from && leader !== nobody) changed.resolve(true);
    });
    const timer = this.clock.after(timeoutMs, () => changed.resolve(false));
    try {
      return await changed.promise;
    } finally {
      timer.cancel();
      stopListening();
    }
  }

  /** Stops at once, after a failure of the disk or of an invariant: whoever asked hears that nobody knows. */
  fail(error: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.log("error", "the member cannot go on", { error: error instanceof Error ? error.message : String(error) });
    this.#host.stop();
    this.#state.lessor.demote();
    this.#requests.failAll("Stopped");
    this.options.onFailure(error);
  }

  /** Hands the leadership over if it has it, lets go of everything. Clients should have been shut out before. */
  async stop(): Promise<void> {
    if (!this.#stopped) await this.#handOver();
    this.#stopped = true;
    this.#autoCompactor?.stop();
    this.#host.stop();
    this.#state.lessor.demote();
    this.#requests.failAll("Stopped");
    await this.#transport.stop();
    await this.#origin.wal.close();
    await this.#state.backend.close();
  }

  async #open(): Promise<void> {
    const { options } = this;
    const tooLow = tooLowFor(this.membership.version, this.version);
    if (tooLow !== undefined) throw tooLow;
    this.#transport = await PeerTransport.open({
      metrics: this.metrics,
      clusterId: this.clusterId,
      self: this.id,
      version: this.version,
      listenUrls: options.listenPeerUrls,
      reusePort: options.reusePort,
      readTimeoutMs: options.peerReadTimeoutMs,
      tls: options.peerTls,
      clock: this.clock,
      log: this.log,
      isRemoved: (id) => this.membership.isRemoved(id),
      openSnapshot: (message) => this.#snapshots.open(message),
      openStage: () => this.#snapshots.stage(),
      events: {
        message: (message) => this.#host.step(message),
        unreachable: (id) => this.#host.reportUnreachable(id),
        removed: () => this.#removed(),
        snapshotSent: (id, ok) => this.#host.reportSnapshot(id, ok),
        snapshotReceived: (message, stage) => this.#host.step(withStage(message, stage)),
        request: (kind, payload) => this.#answerPeer(kind, payload),
      },
    });
    this.answerPeers(peerRequests.members, async () => {
      await this.#heardOfMembers();
      return encodeMembers(this.clusterId, this.membership.members);
    });
    // Until the log has told of all members, those that the start knew are there too.
    const connect = () => {
      const { members } = this.membership;
      const untold = this.#origin.peers.filter(
        ({ id }) => !this.membership.member(id) && !this.membership.isRemoved(id),
      );
      this.#transport.setPeers([...members, ...untold]);
    };
    this.membership.onChange(connect);
    connect();
    if (this.#stateIsLost) this.requestSnapshot();
    this.#host.start();
    if (failpoints.armed) failpoints.pass("beforePublishing", () => this.#publish());
    else this.#publish();
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

  /** One change at a time: while another is pending, or nobody leads, this one waits, until its time is over. */
  #proposeChange(entry: ChangeEntry, id: bigint): void {
    if (this.#host.proposeConfChange(entry.change, entry.type, entry.data)) return;
    this.clock.after(changeRetryMs, () => {
      if (this.#requests.has(id)) this.#proposeChange(entry, id);
    });
  }

  #refusal(): Failure<EtcdErrorName> | undefined {
    if (this.#stopped) return fail("Stopped");
    return this.committed - this.applied > applyLagLimit ? fail("RequestTooManyRequests") : undefined;
  }

  #onLeadership(now: Leadership): void {
    const nowMs = this.clock.monotonic();
    // What it was asked as the leader it may never answer: it may have stalled, which is why it is none any more.
    if (now.leader !== this.#askedLeader) this.#transport.abandonRequests(this.#askedLeader);
    this.#askedLeader = now.leader;
    if (now.leader === nobody) this.#leaderLostMs = nowMs;
    else if (now.leader !== this.#lastLeader) {
      this.#leaderSinceMs = nowMs;
      this.#lastLeader = now.leader;
      this.#leaderChanges++;
    }
    this.log("info", "leadership", { role: now.role, leader: now.leader.toString(16), term: now.term });
    this.#duties.leadershipChanged(now);
    for (const listener of this.#leadershipListeners) listener(now);
  }

  /** A member that was removed has nothing left to do, and must not be mistaken for one that only lost its way. */
  #removed(): void {
    const why = `member ${this.id.toString(16)} was removed from the cluster`;
    this.fail(
      new WorldFailure(
        "MemberRemoved",
        why,
        "Delete its data directory; to take part again it must be added as a new member",
      ),
    );
  }

  #onApplied(index: number): void {
    if (this.#stateIsLost) return;
    this.#appliedWaiters.applied(index);
    // A moment later, so that the others hear that the removal is known here.
    if (this.membership.isRemoved(this.id)) this.clock.after(this.electionMs, () => this.#removed());
    this.#snapshots.maybeCompact(index).catch((error: unknown) => this.fail(error));
    this.#snapshots.offerWanted(index);
  }

  #neededIndex(): number {
    let needed = Number.POSITIVE_INFINITY;
    for (const { match, recentActive, pendingSnapshot } of this.#host.node.status().progress.values()) {
      if (recentActive) needed = Math.min(needed, Math.max(match, pendingSnapshot) + 1);
    }
    return needed;
  }

  #onTick(): void {
    const nowMs = this.clock.monotonic();
    this.#requests.expire(nowMs, (sinceMs) => this.#whyLost(sinceMs));
    // A tick late, for what a leader that was deposed, but lives, has passed on to its successor.
    this.#requests.loseBefore(this.#appliedTermAtTick);
    this.#appliedTermAtTick = this.#host.appliedTerm;
    if (!this.#stateIsLost) this.#snapshots.offerWanted(this.applied);
    this.#duties.tick(nowMs);
    this.corruption.tick(nowMs);
    this.#space.tick(nowMs);
    const tooLow = tooLowFor(this.membership.version, this.version);
    if (tooLow !== undefined) this.fail(tooLow);
    this.#hurryFirstElection();
  }

  /**
   * Nobody who starts has heard of a leader, and waiting out an election timeout would help nobody: once a quorum is
   * connected, the voter with the lowest id asks for votes. Pre-vote keeps this harmless if there is a leader after all.
   */
  #hurryFirstElection(): void {
    if (this.#campaigned) return;
    if (this.leadership.leader !== nobody) this.#campaigned = true;
    const voters = this.membership.members.filter(({ isLearner }) => !isLearner);
    if (this.options.initialElectionTickAdvance === false && voters.length > 1) return;
    const connected = voters.filter(({ id }) => id === this.id || this.#transport.connectedSince(id) !== undefined);
    if (voters[0]?.id !== this.id || connected.length * 2 <= voters.length) return;
    this.#campaigned = true;
    if (this.leadership.leader === nobody) this.#host.campaign();
  }

  /** As etcd tells them apart: a leader that fell, a network that broke, or neither. */
  #whyLost(sinceMs: number): LostReason {
    if (sinceMs < this.#leaderSinceMs && sinceMs > this.#leaderLostMs - 2 * this.electionMs && this.#leaderLostMs > 0) {
      return "TimeoutDueToLeaderFail";
    }
    const { leader } = this.leadership;
    const connected = (id: bigint) => {
      const upSince = this.#transport.connectedSince(id);
      return upSince !== undefined && upSince <= sinceMs;
    };
    if (leader === nobody) return "Timeout";
    if (leader !== this.id) return connected(leader) ? "Timeout" : "TimeoutDueToConnectionLost";
    const voters = this.membership.members.filter(({ isLearner }) => !isLearner);
    const reachable = voters.filter(({ id }) => id === this.id || connected(id));
    return reachable.length * 2 > voters.length ? "Timeout" : "TimeoutDueToConnectionLost";
  }

  async #install(snapshot: Snapshot): Promise<void> {
    const stage = Buffer.from(snapshot.data).toString();
    const previous = this.#state;
    this.metrics.snapshotApplying.value = 1;
    if (failpoints.armed) await failpoints.pause("applyBeforeOpenSnapshot");
    const state = await installState(this.#stateOptions, this.#snapshots.staged(stage));
    const { index, term } = snapshot.metadata;
    this.log("info", "applySnapshot: opened snapshot backend", { "snapshot-index": index, "snapshot-term": term });
    if (failpoints.armed) await failpoints.pause("applyAfterOpenSnapshot");
    // Keys and rights change in one turn: nobody reads the new keys with the old rights.
    const authRecords = await readAuthRecords(state.backend);
    previous.lessor.demote();
    this.#state = state;
    this.auth.restore(state.backend, authRecords);
    this.membership.load();
    await this.alarms.reload(state.backend);
    for (const listener of this.#stateListeners) listener(state);
    await previous.backend.close();
    await this.#snapshots.installed(snapshot);
    this.metrics.snapshotApplying.value = 0;
    this.#stateIsLost = false;
    this.#stateFound.resolve();
  }

  async #answerPeer(kind: PeerRequest, payload: Uint8Array): Promise<Uint8Array> {
    const handler = this.#peerHandlers.get(kind);
    if (handler === undefined) throw new Error(`this member does not answer requests of kind ${kind}`);
    return handler(payload);
  }

  /**
   * Before a member that joins is told of the others: one that lags would tell it that it was not added, or of its predecessor under the same URLs. Not for
   * long: the quorum may be waiting for just the member that asks, and then what is known here has to do.
   */
  async #heardOfMembers(): Promise<void> {
    if (this.isLeader && this.applied >= this.committed) return;
    const patienceMs = 2 * this.electionMs;
    await new Promise<void>((resolve) => {
      const timer = this.clock.after(patienceMs, resolve);
      const heard = () => {
        timer.cancel();
        resolve();
      };
      if (this.isLeader) this.whenApplied(this.committed, patienceMs).then(heard, heard);
      else this.linearizable(heard);
    });
  }

  /** To the voter that has been connected for longest. */
  async #handOver(): Promise<void> {
    if (!this.isLeader) return;
    const candidates = this.membership.members
      .filter(({ id, isLearner }) => id !== this.id && !isLearner && this.#transport.connectedSince(id) !== undefined)
      .sort((a, b) => this.#transport.connectedSince(a.id)! - this.#transport.connectedSince(b.id)!);
    const target = candidates[0];
    if (target === undefined) return;
    this.log("info", "handing the leadership over", { to: target.id.toString(16) });
    this.#host.transferLeader(target.id);
    await this.leaderChange(this.id, this.electionMs);
  }
}

/** Of a member that is to be a cluster of its own, the log says so. */
async function originFor(options: MemberOptions, origin: Origin, { backend, store }: State): Promise<Origin> {
  if (options.forceNewCluster !== true) return origin;
  const membership = new Membership({
    get: (bucket, key) => backend.get(bucket, key),
    put: () => assert(false, "nothing changes the membership but entries that are applied"),
    delete: () => assert(false, "nothing changes the membership but entries that are applied"),
  });
  return forceNewCluster(origin, store.applied.index, membership, options.advertisePeerUrls, options.log);
}

async function defragmentAtStart(options: MemberOptions, { backend, store }: State): Promise<void> {
  const { bootstrapDefragMegabytes: threshold = 0, log } = options;
  if (threshold === 0) return;
  const sizes = {
    "current-db-size-bytes": backend.sizeBytes,
    "current-db-size-in-use-bytes": store.sizeInUseBytes,
    "bootstrap-defrag-threshold-bytes": threshold * 1024 * 1024,
  };
  if (backend.sizeBytes - store.sizeInUseBytes < threshold * 1024 * 1024) {
    log("info", "Skipping defragmentation", sizes);
    return;
  }
  log("info", "defragmenting", sizes);
  await backend.defragment();
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

/** Members must not draw the same numbers: the id takes part in the seed, next to the time. */
function machineRandom(id: bigint): Random {
  return seededRandom(Number(id & 0xffff_ffffn) ^ (Date.now() & 0xffff_ffff));
}
