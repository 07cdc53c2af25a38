import { assert, type Clock, goDuration, type Log } from "../../base/mod.ts";
import {
  type ConfChangeV2,
  type ConfState,
  type Entry,
  EntryType,
  type MemoryStorage,
  type Message,
  MessageType,
  type NodeId,
  nobody,
  type RawNode,
  type Ready,
  type Role,
  type Snapshot,
} from "../../raft/mod.ts";
import { type FailpointName, failpoints } from "../failpoint/mod.ts";
import type { Wal } from "../wal/mod.ts";
import { Persistence } from "./persistence.ts";
import { type ReadFailure, Reads } from "./reads.ts";
import type { Transport } from "./transport.ts";

/** What the host does with what was agreed on. */
export interface StateMachine {
  /** In index order, each once. Never fails: what a request does wrong is part of its answer. */
  apply(entry: Entry): void;
  /** Becomes the staged snapshot, all of it or nothing even across a crash. */
  install(snapshot: Snapshot): Promise<void>;
}

export interface Leadership {
  readonly leader: NodeId;
  readonly role: Role;
  readonly term: number;
}

export interface RaftHostOptions {
  readonly node: RawNode;
  readonly storage: MemoryStorage;
  readonly wal: Wal;
  readonly transport: () => Transport;
  readonly stateMachine: StateMachine;
  /** Index the state machine has applied already. */
  readonly applied: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly tickMs: number;
  /** Ticks after which others elect somebody if they hear nothing from their leader. */
  readonly electionTicks: number;
  readonly requestTimeoutMs: number;
  /** Whether this member could lead. Default: it could. */
  readonly mayCampaign?: () => boolean;
  /** Applying what was committed in one turn should not take longer; then it is logged. Default: never. */
  readonly warningApplyMs?: number;
  /** Runs `turn` when all that has arrived by now has been looked at. Default: `setImmediate`. */
  readonly defer?: (turn: () => void) => void;
  readonly onLeadership: (now: Leadership) => void;
  /** All that was proposed so far is in the hands of the leader of `term`. */
  readonly onHandedOver: (term: number) => void;
  /** After entries were applied. */
  readonly onApplied: (index: number) => void;
  readonly onTick: () => void;
  /** The node must not go on: the disk failed or an invariant broke. */
  readonly onFailure: (error: unknown) => void;
}

/** After this, what else waits for the event loop has its turn. */
const turnMs = 10;

/**
 * Drives the Raft node. Everything that arrives during one turn of the event loop (requests of clients, messages of members)
 * becomes one batch of proposals, one write of the log, one message batch per member.
 *
 * The order that makes an acknowledgement true: entries are written to our disk while they travel to the others; our own
 * vote for them counts when the disk has them; they are applied, and clients answered, when a quorum of disks has them.
 */
export class RaftHost {
  readonly #options: RaftHostOptions;
  readonly #node: RawNode;
  readonly #reads: Reads;
  readonly #defer: (turn: () => void) => void;
  #proposals: Uint8Array[] = [];
  readonly #persistence: Persistence;
  #leadership: Leadership;
  #applied: number;
  #appliedTerm = 0;
  #committed = 0;
  #scheduled = false;
  #installing = false;
  #lateHeartbeats = 0;
  #slowApplies = 0;
  /** Failpoints that hold the next Ready back. */
  #held = 0;
  /** Committed, and held back by a failpoint. */
  #unapplied: Entry[] | undefined;
  /** It was held back, and its time has come. */
  #released: Entry | undefined;
  #stopped = false;
  #tickedMs: number;
  #ticker: { cancel(): void } | undefined;

  constructor(options: RaftHostOptions) {
    this.#options = options;
    this.#node = options.node;
    this.#applied = options.applied;
    this.#leadership = { leader: nobody, role: "follower", term: options.node.term };
    this.#defer = options.defer ?? setImmediate;
    this.#tickedMs = options.clock.monotonic();
    this.#persistence = new Persistence({
      node: options.node,
      storage: options.storage,
      wal: options.wal,
      transport: options.transport,
      isLeader: () => this.isLeader,
      whenDurable: (work) => {
        this.#guard(work);
        this.#schedule();
      },
      holds: (name, goOn) => this.#holds(name, goOn),
    });
    this.#reads = new Reads(options.requestTimeoutMs, (context) => this.#node.readIndex(context));
  }

  /** What went slower than it should, so far. */
  get slowness(): { readonly heartbeats: number; readonly applies: number; readonly reads: Reads["counts"] } {
    return { heartbeats: this.#lateHeartbeats, applies: this.#slowApplies, reads: this.#reads.counts };
  }

  get leadership(): Leadership {
    return this.#leadership;
  }

  get isLeader(): boolean {
    return this.#leadership.role === "leader";
  }

  /** Highest index whose entry the state machine has applied. */
  get applied(): number {
    return this.#applied;
  }

  /** Term of the newest entry applied since the start; 0 before the first. */
  get appliedTerm(): number {
    return this.#appliedTerm;
  }

  /** Highest index known committed. */
  get committed(): number {
    return this.#committed;
  }

  get node(): RawNode {
    return this.#node;
  }

  /** What of the log is durable, as Raft reads it. */
  get storage(): MemoryStorage {
    return this.#options.storage;
  }

  start(): void {
    this.#tick();
    this.#schedule();
  }

  /** Data for the log. It may be lost on the way: whoever waits for it needs a timeout. */
  propose(data: Uint8Array): void {
    this.#proposals.push(data);
    this.#schedule();
  }

  /**
   * What only a leader may say: taken if this member leads now, in the term it last told of, and otherwise false. It is never
   * passed on: a leader that was deposed without noticing has it in a log that nobody follows.
   */
  proposeAsLeader(data: Uint8Array): boolean {
    this.#guard(() => this.#noticePause());
    if (this.#stopped || this.#node.role !== "leader" || this.#node.term !== this.#leadership.term) return false;
    const { ok } = this.#node.propose(data);
    this.#schedule();
    return ok;
  }

  /** A change of membership, `data` being its encoding in an entry of `type`. Refused, it had no effect, and may be tried again. */
  proposeConfChange(change: ConfChangeV2, type: EntryType, data: Uint8Array): boolean {
    if (this.#stopped) return false;
    const { ok } = this.#node.proposeConfChange(change, type, data);
    this.#schedule();
    return ok;
  }

  /** Calls back once the state here is at least as new as every write acknowledged, anywhere, before this call. */
  linearizable(waiter: (failure: ReadFailure | undefined) => void): void {
    this.#reads.add(waiter, this.#options.clock.monotonic());
    this.#schedule();
  }

  step(message: Message): void {
    if (this.#stopped || (message.type === MessageType.MsgTimeoutNow && !this.#mayCampaign())) return;
    this.#guard(() => this.#node.step(message));
    this.#schedule();
  }

  reportUnreachable(id: NodeId): void {
    this.#guard(() => this.#node.reportUnreachable(id));
    this.#schedule();
  }

  reportSnapshot(id: NodeId, ok: boolean): void {
    this.#guard(() => this.#node.reportSnapshot(id, ok));
    this.#schedule();
  }

  transferLeader(to: NodeId): void {
    this.#guard(() => this.#node.transferLeader(to));
    this.#schedule();
  }

  /** The state is damaged: a snapshot of the leader's is to replace it. */
  requestSnapshot(): void {
    this.#guard(() => this.#node.requestSnapshot());
    this.#schedule();
  }

  /** Asks for votes now. */
  campaign(): void {
    this.#guard(() => this.#node.campaign());
    this.#schedule();
  }

  /** For the state machine, when it applies a change of membership. */
  applyConfChange(change: ConfChangeV2, index: number): ConfState {
    return this.#node.applyConfChange(change, index);
  }

  stop(): void {
    this.#stopped = true;
    this.#ticker?.cancel();
    this.#reads.failAll("Stopped");
    this.#persistence.flush();
  }

  #tick(): void {
    if (this.#stopped) return;
    const { clock, tickMs } = this.#options;
    this.#ticker = clock.after(tickMs, () => this.#tick());
    this.#guard(() => {
      this.#noticePause();
      const nowMs = clock.monotonic();
      // As etcd counts them: the followers waited for twice as long as they should.
      if (this.isLeader && nowMs - this.#tickedMs > 2 * tickMs) this.#lateHeartbeats++;
      this.#tickedMs = nowMs;
      // A follower campaigns because time passes.
      if (this.#mayCampaign()) this.#node.tick();
      this.#reads.tick(this.#tickedMs);
      this.#options.onTick();
      this.#persistence.writeLate();
    });
    this.#schedule();
  }

  /**
   * The process stood still for so long that others have elected somebody, if they could. Before it does anything a leader
   * looks for its quorum: the time it missed passes now, and what it hears of the others is from before.
   */
  #noticePause(): void {
    const { clock, tickMs, electionTicks } = this.#options;
    const nowMs = clock.monotonic();
    const isLate = nowMs - this.#tickedMs >= 2 * electionTicks * tickMs;
    if (!isLate || this.#node.role !== "leader") return;
    this.#options.log("warn", "stood still for longer than an election takes", {
      ms: Math.round(nowMs - this.#tickedMs),
    });
    this.#tickedMs = nowMs;
    for (let tick = 0; tick < 2 * electionTicks; tick++) this.#node.tick();
  }

  #mayCampaign(): boolean {
    return this.#options.mayCampaign?.() ?? true;
  }

  #schedule(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.#defer(() => {
      this.#scheduled = false;
      this.#guard(() => this.#turn());
    });
  }

  #turn(): void {
    if (this.#stopped) return;
    this.#noticePause();
    this.#proposePending();
    const { clock } = this.#options;
    const startMs = clock.monotonic();
    this.#reads.start(startMs);
    // While a snapshot is installed messages are still stepped, so that time stays on the leader's side; Ready waits.
    while (!this.#installing && this.#held === 0 && !this.#stopped && this.#node.hasReady()) {
      this.#handle(this.#node.ready());
      // Who has much to catch up with does not keep clients and heartbeats waiting until it has.
      if (clock.monotonic() - startMs > turnMs && this.#node.hasReady()) {
        this.#schedule();
        return;
      }
    }
  }

  /** Without a leader proposals wait: they are given up by whoever waits for them, not here. */
  #proposePending(): void {
    if (this.#proposals.length === 0 || this.#leadership.leader === nobody) return;
    const outcome = this.#node.proposeBatch(this.#proposals);
    if (!outcome.ok) return;
    this.#proposals = [];
    this.#options.onHandedOver(this.#node.term);
  }

  #handle(ready: Ready): void {
    if (ready.softState !== undefined || ready.hardState !== undefined) this.#noteLeadership(ready);
    if (failpoints.armed && this.isLeader && this.#holds("raftBeforeLeaderSend", () => this.#sendAndSave(ready)))
      return;
    this.#sendAndSave(ready);
  }

  #sendAndSave(ready: Ready): void {
    this.#options.transport().send(ready.messages);
    if (ready.snapshot !== undefined) this.#install(ready, ready.snapshot);
    else if (!(failpoints.armed && this.#holds("raftBeforeSave", () => this.#saveAndApply(ready)))) {
      this.#saveAndApply(ready);
    }
  }

  #saveAndApply(ready: Ready): void {
    this.#persistence.persist(ready);
    for (const { context, index } of ready.readStates) this.#reads.confirm(context, index, this.#applied);
    this.#apply(ready.committed);
  }

  /** Whether a failpoint delays what comes next: then `goOn` does it later, and no other Ready is handled before. */
  #holds(name: FailpointName, goOn: () => void): boolean {
    const ms = failpoints.delayMs(name);
    if (ms === 0) return false;
    this.#held++;
    this.#options.clock.after(ms, () => {
      this.#held--;
      this.#guard(goOn);
      this.#schedule();
    });
    return true;
  }

  #noteLeadership(ready: Ready): void {
    if (ready.hardState !== undefined) this.#committed = Math.max(this.#committed, ready.hardState.commit);
    const before = this.#leadership;
    const term = ready.hardState?.term ?? before.term;
    this.#leadership = {
      leader: ready.softState?.leader ?? before.leader,
      role: ready.softState?.role ?? before.role,
      term,
    };
    const { leader, role } = this.#leadership;
    if (leader === before.leader && role === before.role && term === before.term) return;
    // Another leader knows nothing of the question that was put to the last one.
    if (leader !== before.leader && before.leader !== nobody) this.#reads.failRound("LeaderChanged");
    this.#options.onLeadership(this.#leadership);
    if (leader !== nobody && this.#proposals.length > 0) this.#schedule();
  }

  #apply(entries: readonly Entry[]): void {
    if (this.#unapplied !== undefined) {
      this.#unapplied.push(...entries);
      return;
    }
    const { clock, warningApplyMs = Number.POSITIVE_INFINITY, log } = this.#options;
    const startMs = clock.monotonic();
    let last: Entry | undefined;
    for (let at = 0; at < entries.length; at++) {
      const entry = entries[at] as Entry;
      if (failpoints.armed && entry !== this.#released && this.#holdsApplying(entries.slice(at))) break;
      assert(entry.index === this.#applied + 1, "entries are applied in order, none twice");
      this.#options.stateMachine.apply(entry);
      this.#applied = entry.index;
      last = entry;
    }
    if (last === undefined) return;
    const tookMs = clock.monotonic() - startMs;
    if (tookMs > warningApplyMs) {
      this.#slowApplies++;
      log("warn", "apply request took too long", {
        took: goDuration(tookMs),
        "expected-duration": goDuration(warningApplyMs),
        entries: entries.length,
        index: last.index,
      });
    }
    this.#appliedTerm = last.term;
    this.#committed = Math.max(this.#committed, last.index);
    this.#node.applied(last.index);
    this.#reads.advance(last.index);
    this.#options.onApplied(last.index);
  }

  /** Whether a failpoint delays applying; replication goes on meanwhile, as in the original. */
  #holdsApplying(entries: Entry[]): boolean {
    const [first] = entries;
    const isRequest = first?.type === EntryType.EntryNormal;
    const ms = failpoints.delayMs(isRequest ? "beforeApplyOneEntryNormal" : "beforeApplyOneConfChange");
    if (ms === 0) return false;
    this.#unapplied = entries;
    this.#options.clock.after(ms, () => {
      // Otherwise a snapshot has taken their place.
      if (this.#unapplied !== entries) return;
      this.#unapplied = undefined;
      this.#released = first;
      this.#guard(() => this.#apply(entries));
      this.#schedule();
    });
    return true;
  }

  /**
   * The state machine first, then the log: a crash in between leaves a state that is ahead of the log, which the start
   * understands; the other way round the log would begin behind what the state lacks.
   */
  #install(ready: Ready, snapshot: Snapshot): void {
    const { stateMachine, wal, storage, transport, log, onApplied } = this.#options;
    const { index, term, confState } = snapshot.metadata;
    this.#installing = true;
    const tookThePlaceOfEntries = this.#unapplied !== undefined;
    this.#unapplied = undefined;
    const installed = async () => {
      if (failpoints.armed) await failpoints.pause("raftBeforeSaveSnap");
      await stateMachine.install(snapshot);
      if (failpoints.armed) await failpoints.pause("raftAfterSaveSnap");
      if (failpoints.armed) await failpoints.pause("raftBeforeWALSaveSnaphot");
      wal.snapshot({ index, term, confState });
      if (failpoints.armed) await failpoints.pause("raftBeforeSave");
      const late = this.#persistence.takeLate();
      await new Promise<void>((resolve) => wal.append(ready.entries, ready.hardState ?? late, resolve));
      if (failpoints.armed) await failpoints.pause("raftAfterSave");
      if (failpoints.armed) await failpoints.pause("raftBeforeApplySnap");
      storage.applySnapshot(snapshot);
      storage.append(ready.entries);
      if (ready.hardState !== undefined) storage.setHardState(ready.hardState);
      if (failpoints.armed) await failpoints.pause("raftAfterApplySnap");
      this.#installing = false;
      if (this.#stopped) return;
      log("info", "applied snapshot", { index, term });
      this.#applied = index;
      this.#appliedTerm = term;
      this.#committed = Math.max(this.#committed, index);
      transport().send(ready.messagesAfterPersist);
      this.#node.persisted(ready.number);
      if (tookThePlaceOfEntries) this.#node.applied(index);
      this.#node.applied(index);
      this.#reads.advance(index);
      onApplied(index);
      this.#apply(ready.committed);
      this.#schedule();
    };
    installed().catch(this.#options.onFailure);
  }

  /** An exception in here is a bug or a broken promise of the storage: the node must not go on. */
  #guard(work: () => void): void {
    if (this.#stopped) return;
    try {
      work();
    } catch (error) {
      this.#stopped = true;
      this.#options.onFailure(error);
    }
  }
}
