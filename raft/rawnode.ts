import { assert } from "../base/mod.ts";
import { changeMembership } from "./confchange/change.ts";
import { toConfState } from "./confchange/membership.ts";
import { completeConfig, type RaftOptions } from "./config.ts";
import { type Outcome, refused } from "./outcome.ts";
import { Raft } from "./raft.ts";
import type { Ready, Role, SoftState } from "./ready.ts";
import { type Status, statusOf } from "./status.ts";
import {
  type ConfChangeV2,
  type ConfState,
  EntryType,
  emptyConfState,
  type HardState,
  type Index,
  type Message,
  type NodeId,
  type Term,
} from "./types.ts";

/**
 * A member, as its host drives it: from one place, one call at a time. A call that throws has found a broken invariant or
 * a broken storage; the node must not be used after that.
 */
export class RawNode {
  readonly #raft: Raft;
  #lastReady = 0;
  #persisted = 0;
  /** As last handed out. */
  #softState: SoftState;
  #hardState: HardState;
  /** What the node says to itself and will hear once Ready `number` is durable. */
  readonly #own: { readonly number: number; readonly message: Message }[] = [];

  constructor(options: RaftOptions) {
    this.#raft = new Raft(completeConfig(options), options.confState);
    this.#softState = { role: this.#raft.role, leader: this.#raft.leader };
    this.#hardState = options.storage.initialState().hardState;
  }

  /**
   * Founds a cluster: every founder starts with one EntryConfChange per founder, whose `data` the host has encoded, in
   * the same order everywhere. Once, on an empty storage, before anything else.
   */
  bootstrap(founders: readonly { readonly id: NodeId; readonly data: Uint8Array }[]): void {
    const entries = founders.map(({ data }, i) => ({ type: EntryType.EntryConfChange, term: 1, index: i + 1, data }));
    this.#raft.bootstrap(entries, { ...emptyConfState(), voters: founders.map(({ id }) => id) });
  }

  get id(): NodeId {
    return this.#raft.id;
  }

  get role(): Role {
    return this.#raft.role;
  }

  /** 0n: nobody known. */
  get leader(): NodeId {
    return this.#raft.leader;
  }

  get term(): Term {
    return this.#raft.term;
  }

  get committed(): Index {
    return this.#raft.log.committed;
  }

  /** The membership in force. */
  get confState(): ConfState {
    return toConfState(this.#raft.membership);
  }

  status(): Status {
    return statusOf(this.#raft);
  }

  /** Time passes, in the unit that the timeouts are given in. */
  tick(): void {
    this.#raft.tick(this.#persisted < this.#lastReady);
  }

  /** A message from another member. Its bytes are kept, not copied. */
  step(m: Message): void {
    this.#raft.step(m);
  }

  propose(data: Uint8Array): Outcome {
    return this.proposeBatch([data]);
  }

  /** Taken or refused as a whole; one append to each follower. */
  proposeBatch(datas: readonly Uint8Array[]): Outcome {
    return this.#raft.propose(datas.map((data) => ({ type: EntryType.EntryNormal, data })));
  }

  /**
   * Proposes a change of membership as an entry of `type` holding `data`: the change as the host encodes it, or nothing
   * in an EntryConfChangeV2 to leave a joint configuration. `change` is the same, to be checked here.
   */
  proposeConfChange(change: ConfChangeV2, type: EntryType, data: Uint8Array): Outcome {
    assert(type !== EntryType.EntryNormal, "a change of membership is an entry of its own type");
    if (this.#raft.role === "leader" && !changeMembership(this.#raft.membership, change).ok) {
      return refused("ConfChangeInvalid");
    }
    return this.#raft.propose([{ type, data }]);
  }

  /**
   * Asks how far a state machine must be to answer linearizable reads that begin now. Answered by a ReadState with this
   * context, or never: messages get lost and leaders change, so the host asks again after a while, with another context.
   */
  readIndex(context: Uint8Array): Outcome {
    return this.#raft.readIndex(context);
  }

  campaign(): void {
    this.#raft.campaign();
  }

  /** Asks the leader, be it this node or another, to hand over to `to`. */
  transferLeader(to: NodeId): void {
    this.#raft.transferLeader(to);
  }

  /**
   * The caller knows by other means that the leader is gone: this node withholds votes for its sake no longer. Refused with
   * lease reads.
   */
  forgetLeader(): Outcome {
    return this.#raft.forgetLeader();
  }

  /**
   * The state machine is damaged, the log is not: asks for a snapshot, of every leader to come until there is one. It is at
   * least as new as all that was handed out. Until it is there the log takes no more entries; this node leaves it to the others
   * to campaign first, and a leader looks for a successor.
   */
  requestSnapshot(): void {
    this.#raft.requestSnapshot();
  }

  /** Messages to `id` are being lost. */
  reportUnreachable(id: NodeId): void {
    this.#raft.leadership?.reportUnreachable(id);
  }

  /** The snapshot of the last MsgSnap to `id` was delivered, or failed. Owed for every MsgSnap. */
  reportSnapshot(id: NodeId, ok: boolean): void {
    this.#raft.leadership?.reportSnapshot(id, ok);
  }

  /** True if `ready` has anything to hand out. Asked at the end of a turn, after all that came in during it. */
  hasReady(): boolean {
    this.#raft.leadership?.flush();
    const { log } = this.#raft;
    return (
      !this.#raft.outbox.isEmpty ||
      log.hasUnstable ||
      log.hasCommitted ||
      this.#softStateChanged() ||
      this.#hardStateChanged()
    );
  }

  /** What the host owes the node now. See Ready. */
  ready(): Ready {
    const raft = this.#raft;
    raft.leadership?.flush();
    const number = ++this.#lastReady;
    const { messages, messagesAfterPersist, readStates } = raft.outbox.take();
    const { entries, snapshot } = raft.log.handOutUnstable(number);
    const committed = raft.log.handOutCommitted();
    raft.leadership?.handedOut(committed);
    const before = this.#hardState;
    const hardState = this.#hardStateChanged() ? raft.hardState : undefined;
    if (hardState !== undefined) this.#hardState = hardState;
    const softState = this.#softStateChanged() ? { role: raft.role, leader: raft.leader } : undefined;
    if (softState !== undefined) this.#softState = softState;
    return {
      number,
      softState,
      hardState,
      entries,
      snapshot,
      mustSync:
        entries.length > 0 ||
        snapshot !== undefined ||
        before.term !== this.#hardState.term ||
        before.vote !== this.#hardState.vote,
      messages,
      messagesAfterPersist: this.#keepOwn(number, messagesAfterPersist),
      committed,
      readStates,
    };
  }

  #keepOwn(number: number, messages: readonly Message[]): readonly Message[] {
    if (!messages.some((m) => m.to === this.id)) return messages;
    for (const m of messages) if (m.to === this.id) this.#own.push({ number, message: m });
    return messages.filter((m) => m.to !== this.id);
  }

  #softStateChanged(): boolean {
    return this.#softState.role !== this.#raft.role || this.#softState.leader !== this.#raft.leader;
  }

  #hardStateChanged(): boolean {
    const { term, vote, commit } = this.#raft.hardState;
    return term !== this.#hardState.term || vote !== this.#hardState.vote || commit !== this.#hardState.commit;
  }

  /** All that Ready 1..number gave to write is durable, and readable through storage. */
  persisted(number: number): void {
    assert(number <= this.#lastReady, "only what was handed out can be durable");
    if (number <= this.#persisted) return;
    this.#persisted = number;
    let done = 0;
    while (done < this.#own.length && (this.#own[done] as { number: number }).number <= number) done++;
    this.#raft.persisted(
      number,
      this.#own.splice(0, done).map((own) => own.message),
    );
  }

  /** The state machine has applied everything up to `index`, or was replaced by a snapshot at it. */
  applied(index: Index): void {
    this.#raft.applied(index);
  }

  /** Both of them, for a host that finishes a Ready before it takes the next. */
  advance(ready: Ready): void {
    this.persisted(ready.number);
    const index = ready.committed.at(-1)?.index ?? ready.snapshot?.metadata.index;
    if (index !== undefined) this.applied(index);
  }

  /**
   * Makes a committed change of membership, whose entry is at `index`, in the order of the log and before `applied`
   * passes it. The host leaves out a change it does not want, or
   * names 0n in it. The answer is the membership as of `index`, which belongs into snapshots of that state.
   */
  applyConfChange(change: ConfChangeV2, index: Index): ConfState {
    return this.#raft.applyConfChange(change, index);
  }

  /** Costly checks, for tests and simulations. */
  checkInvariants(): void {
    this.#raft.log.checkInvariants();
    this.#raft.leadership?.checkInvariants();
  }
}
