import { type EtcdErrorName, type Init, InternalRaftRequest, raftpb } from "../../proto/mod.ts";
import { asConfChangeV2, type ConfChangeV2, EntryType } from "../../raft/mod.ts";
import type { Caller } from "../auth/mod.ts";
import { type Failure, fail, isFailure } from "../mvcc/mod.ts";
import type { Answers } from "./answers.ts";
import { RequestIds } from "./ids.ts";
import type { Member } from "./member.ts";
import { type ClusterMember, encodeMemberChange, encodePromotions, type MemberChange } from "./membership.ts";
import { defaults, requestTimeoutMsOf } from "./options.ts";
import { type LostReason, Requests } from "./requests.ts";

export type MembersOutcome = readonly ClusterMember[] | Failure<EtcdErrorName>;

/** A change of membership, and the entry of the log that holds it. */
interface ChangeEntry {
  readonly change: ConfChangeV2;
  readonly type: EntryType;
  readonly data: Uint8Array;
}

/** Applied entries may fall this far behind committed ones before new requests are turned away. */
const applyLagLimit = 5000;
const changeRetryMs = 100;

/** What this member puts into the log, and who waits to hear what became of it. */
export class Proposals {
  readonly #member: Member;
  readonly #requests: Requests;
  readonly #ids: RequestIds;
  #appliedTermAtTick = 0;
  #stopped = false;

  constructor(member: Member) {
    this.#member = member;
    this.#requests = new Requests(requestTimeoutMsOf(member.electionMs));
    this.#ids = new RequestIds(member.id, member.clock.now());
  }

  get pending(): number {
    return this.#requests.size;
  }

  /** Requests given up so far. */
  get lost(): number {
    return this.#requests.lost;
  }

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
    const member = this.#member;
    const id = this.#ids.next();
    const header = caller === undefined ? { id } : { ...caller, id };
    const data = InternalRaftRequest.encode({ header, [kind]: request } as Init<InternalRaftRequest>);
    if (data.length > (member.options.maxRequestBytes ?? defaults.maxRequestBytes)) {
      done(fail("RequestTooLarge"));
      return;
    }
    this.#requests.add(id, member.clock.monotonic(), done as (outcome: unknown) => void);
    member.host.propose(data);
  }

  async proposedAsLeader<Kind extends keyof Answers>(
    kind: Kind,
    request: Init<NonNullable<InternalRaftRequest[Kind]>>,
  ): Promise<void> {
    const { auth, clock, leadership, host } = this.#member;
    const id = this.#ids.next();
    const header = auth.self === undefined ? { id } : { ...auth.self, id };
    const data = InternalRaftRequest.encode({ header, [kind]: request } as Init<InternalRaftRequest>);
    const outcome = await new Promise<unknown>((resolve) => {
      // Before the proposal, which a cluster of one may have applied when it returns.
      this.#requests.addHandedOver(id, clock.monotonic(), leadership.term, resolve);
      if (this.#stopped || !host.proposeAsLeader(data)) this.#requests.settle(id, fail("NotLeader"));
    });
    if (isFailure(outcome as object)) throw new Error((outcome as Failure<string>).failure);
  }

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

  promote(ids: readonly bigint[]): Promise<MembersOutcome> {
    const type = raftpb.ConfChangeType.ConfChangeAddNode;
    const [only, ...others] = ids.map((id) => this.#member.membership.member(id));
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

  settle(id: bigint, outcome: unknown): void {
    this.#requests.settle(id, outcome);
  }

  /** All that was proposed so far is in the hands of the leader of `term`. */
  handedOver(term: number): void {
    this.#requests.handedOver(term);
  }

  /** Gives up what waited too long, or what fell with the leader that had it. */
  tick(nowMs: number, whyLost: (sinceMs: number) => LostReason): void {
    this.#requests.expire(nowMs, whyLost);
    // A tick late, for what a leader that was deposed, but lives, has passed on to its successor.
    this.#requests.loseBefore(this.#appliedTermAtTick);
    this.#appliedTermAtTick = this.#member.host.appliedTerm;
  }

  /** Whoever waits hears that nobody knows. */
  stop(): void {
    this.#stopped = true;
    this.#requests.failAll("Stopped");
  }

  #proposedChange(changeFor: (requestId: bigint) => ChangeEntry): Promise<MembersOutcome> {
    if (this.#stopped) return Promise.resolve(fail("Stopped"));
    const id = this.#ids.next();
    return new Promise((resolve) => {
      const done = (outcome: unknown) => resolve(outcome as MembersOutcome);
      this.#requests.add(id, this.#member.clock.monotonic(), done, false);
      this.#proposeChange(changeFor(id), id);
    });
  }

  /** One change at a time: while another is pending, or nobody leads, this one waits, until its time is over. */
  #proposeChange(entry: ChangeEntry, id: bigint): void {
    const { host, clock } = this.#member;
    if (host.proposeConfChange(entry.change, entry.type, entry.data)) return;
    clock.after(changeRetryMs, () => {
      if (this.#requests.has(id)) this.#proposeChange(entry, id);
    });
  }

  #refusal(): Failure<EtcdErrorName> | undefined {
    if (this.#stopped) return fail("Stopped");
    const { committed, applied } = this.#member;
    return committed - applied > applyLagLimit ? fail("RequestTooManyRequests") : undefined;
  }
}
