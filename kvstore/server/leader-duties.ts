import type { Lessor } from "../lease/mod.ts";
import { isFailure } from "../mvcc/mod.ts";
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
      revoke: (id) => this.#member.proposed("leaseRevoke", { id }),
    });
  }

  tick(nowMs: number): void {
    if (this.#primary === undefined || nowMs - this.#versionCheckedMs < versionCheckMs) return;
    this.#versionCheckedMs = nowMs;
    this.#settleVersion(nowMs);
  }

  /** The lowest of what the members run, and never lower than it was. */
  #settleVersion(nowMs: number): void {
    const { membership, transport, id, version, log } = this.#member;
    const versions = membership.members.map((member) => (member.id === id ? version : transport.versionOf(member.id)));
    if (versions.includes(undefined) && nowMs - this.#leaderSinceMs < versionPatienceMs) return;
    const known = versions.filter((one) => one !== undefined).map(majorMinor);
    const lowest = known.sort((a, b) => a[0] - b[0] || a[1] - b[1])[0];
    if (lowest === undefined) return;
    const current = membership.version;
    if (current !== undefined) {
      const [major, minor] = majorMinor(current);
      if (major > lowest[0] || (major === lowest[0] && minor >= lowest[1])) return;
    }
    const ver = `${lowest[0]}.${lowest[1]}.0`;
    this.#member.propose("clusterVersionSet", { ver }, (outcome) => {
      if (!isFailure(outcome)) log("info", "set the cluster version", { version: ver });
    });
  }
}

function majorMinor(version: string): readonly [number, number] {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return [major, minor];
}
