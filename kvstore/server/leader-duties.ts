import type { Lessor } from "../lease/mod.ts";
import { isFailure } from "../mvcc/mod.ts";
import { decideClusterVersion, downgradeIsDone } from "./cluster-version.ts";
import type { Member } from "./member.ts";
import type { Leadership } from "./raft-host.ts";

const versionCheckMs = 1000;
/** How long a leader waits for a member to say its version before it decides without it. */
const versionPatienceMs = 4000;

/** What only the leader does: it lets leases expire, and it settles which version the cluster speaks. */
export class LeaderDuties {
  readonly #member: Member;
  #primary: Lessor | undefined;
  #leaderSinceMs = 0;
  #versionCheckedMs = 0;

  constructor(member: Member) {
    this.#member = member;
  }

  leadershipChanged({ role }: Leadership): void {
    const isLeader = role === "leader";
    if (isLeader === (this.#primary !== undefined)) return;
    const { state, electionMs, clock } = this.#member;
    if (!isLeader) {
      this.#primary?.demote();
      this.#primary = undefined;
      return;
    }
    this.#leaderSinceMs = clock.monotonic();
    this.#versionCheckedMs = 0;
    this.#primary = state.lessor;
    this.#primary.promote(electionMs, {
      revoke: (id) => this.#member.proposed("leaseRevoke", { id }, this.#member.auth.self),
    });
  }

  tick(nowMs: number): void {
    if (this.#primary === undefined || nowMs - this.#versionCheckedMs < versionCheckMs) return;
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
