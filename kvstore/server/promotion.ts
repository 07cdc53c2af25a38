import { type EtcdErrorName, etcdErrors } from "../../proto/mod.ts";
import { fail, isFailure } from "../mvcc/mod.ts";
import { CatchUp } from "./catch-up.ts";
import type { Member } from "./member.ts";
import type { ClusterMember } from "./membership.ts";

/** A learner that has so much of the log may become a voter when an operator says so; etcd's figure. */
const readyShare = 0.9;

/** Makes voters of learners, as only the leader can: nobody else knows how far they are. */
export class Promotion {
  readonly #member: Member;
  readonly #catchUps = new Map<bigint, CatchUp>();
  #promoting = false;

  constructor(member: Member) {
    this.#member = member;
  }

  /** Why the member cannot become a voter now, if an operator asks for it. */
  refusal(id: bigint): EtcdErrorName | undefined {
    const { membership, host, isLeader, options } = this.#member;
    const learner = membership.member(id);
    if (!isLeader) return "NotLeader";
    if (learner === undefined) return "MemberNotFound";
    const { progress, lastIndex } = host.node.status();
    if ((progress.get(id)?.match ?? 0) < readyShare * lastIndex) return "LearnerNotReady";
    if (!learner.isLearner) return "MemberNotLearner";
    if (options.strictReconfigCheck !== false && !this.#leavesAQuorum()) return "MemberNotEnoughStarted";
    return undefined;
  }

  /** With one more voter, which has started. */
  #leavesAQuorum(): boolean {
    const voters = this.#member.membership.members.filter(({ isLearner }) => !isLearner);
    const started = voters.filter(({ name }) => name !== "").length + 1;
    return started >= Math.floor((voters.length + 1) / 2) + 1;
  }

  /** On the leader, with every tick: learners that have kept up become voters, all of them in one change. */
  tick(nowMs: number): void {
    const learners = this.#member.membership.members.filter(({ isLearner }) => isLearner);
    if (learners.length === 0 || this.#promoting) return;
    const ready = learners.filter((learner) => this.#hasKeptUp(learner, nowMs));
    if (ready.length > 0) void this.#promote(ready);
  }

  #hasKeptUp({ id, name }: ClusterMember, nowMs: number): boolean {
    const { host, electionMs, transport } = this.#member;
    const { progress, lastIndex } = host.node.status();
    const known = progress.get(id);
    if (known === undefined || known.state !== "replicate" || !known.recentActive) return false;
    const catchUp = this.#catchUps.get(id);
    if (catchUp === undefined) {
      this.#catchUps.set(id, new CatchUp(electionMs, lastIndex, nowMs));
      return false;
    }
    const keptUp = catchUp.keptUp(known.match, lastIndex, nowMs);
    return keptUp && name !== "" && transport.connectedSince(id) !== undefined && this.refusal(id) === undefined;
  }

  async #promote(learners: readonly ClusterMember[]): Promise<void> {
    this.#promoting = true;
    const members = learners.map(({ name }) => name).join(", ");
    const outcome = await this.#member.promote(learners.map(({ id }) => id));
    this.#promoting = false;
    for (const { id } of learners) this.#catchUps.delete(id);
    this.#count(isFailure(outcome) ? outcome.failure : undefined);
    if (isFailure(outcome)) this.#member.log("warn", "cannot promote learners", { members, why: outcome.failure });
    else this.#member.log("info", "promoted learners that have caught up", { members });
  }

  /** On an operator's word. */
  async promoteOne(id: bigint): ReturnType<Member["promote"]> {
    const refusal = this.refusal(id);
    const outcome = refusal === undefined ? await this.#member.promote([id]) : fail(refusal);
    this.#count(isFailure(outcome) ? outcome.failure : undefined);
    return outcome;
  }

  #count(failure: EtcdErrorName | undefined): void {
    const { promoted, promoteFailures } = this.#member.metrics;
    if (failure === undefined) promoted.value++;
    else promoteFailures.with(etcdErrors[failure][1]).value++;
  }
}
