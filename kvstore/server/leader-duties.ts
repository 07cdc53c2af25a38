import type { Lessor } from "../lease/mod.ts";
import { isFailure } from "../mvcc/mod.ts";
import { decideClusterVersion, downgradeIsDone } from "./cluster-version.ts";
import type { Member } from "./member.ts";
import type { Leadership } from "./raft-host.ts";

const versionCheckMs = 1000;
/** How long a leader waits for a member to say its version before it decides without it. */
const versionPatienceMs = 4000;

/** What only the leader does: lets leases expire, makes voters of learners, settles which version the cluster speaks. */
export class LeaderDuties {
  readonly #member: Member;
  #primary: Lessor | undefined;
  #term = 0;
  #leaderSinceMs = 0;
  #versionCheckedMs = 0;

  constructor(member: Member) {
    this.#member = member;
  }

  leadershipChanged({ role, term }: Leadership): void {
    const isLeader = role === "leader";
    // Elected twice in a row, it may have missed what another leader promised in between.
    if (isLeader === (this.#primary !== undefined) && (!isLeader || term === this.#term)) return;
    this.#term = term;
    const { state, electionMs, clock } = this.#member;
    if (!isLeader) {
      this.#primary?.demote();
      this.#primary = undefined;
      return;
    }
    this.#leaderSinceMs = clock.monotonic();
    this.#versionCheckedMs = 0;
    this.#primary = state.lessor;
    // Not to be passed on: a leader that was deposed, and stood still so that it does not know, decides nothing any more.
    this.#primary.promote(electionMs, {
      revoke: async (id) => {
        await this.#member.proposedAsLeader("leaseRevoke", { id });
        this.#member.metrics.leasesExpired.value++;
      },
      checkpoint: (checkpoints) => this.#member.proposedAsLeader("leaseCheckpoint", { checkpoints }),
      makesCheckpoints: this.#member.options.leaseCheckpoints ?? true,
    });
  }

  tick(nowMs: number): void {
    if (this.#primary === undefined) return;
    if (this.#member.options.autoPromoteLearners) this.#member.promotion.tick(nowMs);
    if (nowMs - this.#versionCheckedMs < versionCheckMs) return;
    this.#versionCheckedMs = nowMs;
    this.#settleVersion(nowMs);
  }

  #settleVersion(nowMs: number): void {
    const { membership, transport, id, version, log } = this.#member;
    const members = membership.members.map((member) => (member.id === id ? version : transport.versionOf(member.id)));
    const { downgrade } = membership;
    const patienceIsOver = nowMs - this.#leaderSinceMs >= versionPatienceMs;
    const ver = decideClusterVersion({ cluster: membership.version, members, downgrade, patienceIsOver });
    if (ver !== undefined) {
      this.#member.propose("clusterVersionSet", { ver }, (outcome) => {
        if (!isFailure(outcome)) log("info", "set the cluster version", { version: ver });
      });
      return;
    }
    if (!downgradeIsDone({ members, downgrade })) return;
    this.#member.propose("downgradeInfoSet", { enabled: false }, (outcome) => {
      if (!isFailure(outcome))
        log("info", "the cluster has been downgraded", { "cluster-version": downgrade.targetVersion });
    });
  }
}
