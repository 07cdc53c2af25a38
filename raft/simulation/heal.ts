import type { Index } from "../types.ts";
import { hold } from "./ledger.ts";
import type { SimulatedMember } from "./member.ts";
import type { Schedule } from "./schedule.ts";

/** Rounds of a tick for everybody within which a healed cluster must be of use again, and one more for each entry that somebody has yet to get or to apply. */
const maxRounds = 300;

/**
 * Ends all faults: everybody runs, every message arrives in order, disks and state machines keep up. Then within a bounded
 * time there is a leader, what it is given is committed, and all its members have applied it. The number of rounds it took.
 */
export function healAndProgress(schedule: Schedule): number {
  schedule.network.heal();
  for (const member of schedule.members) {
    if (member.node === undefined) member.start();
    member.releaseDisk();
  }
  const rounds = maxRounds + backlog(schedule);
  let proposed: { readonly leader: SimulatedMember; readonly above: Index } | undefined;
  for (let round = 1; round <= rounds; round++) {
    for (const member of schedule.members) {
      member.node?.tick();
      schedule.settle(member, 100);
    }
    deliverAll(schedule);
    const leader = newestLeader(schedule);
    if (leader === undefined) continue;
    if (proposed?.leader !== leader) {
      const above = leader.node?.committed ?? 0;
      if (leader.node?.propose(schedule.payloads.next()).ok) proposed = { leader, above };
      continue;
    }
    if (converged(schedule, leader, proposed.above)) return round;
  }
  hold(false, "a healed cluster makes progress", () => `not within ${rounds} rounds`);
  return rounds;
}

/** From the first entry that a member has not applied to the last in anybody's log: with the smallest limits an entry travels at a time. */
function backlog({ members }: Schedule): number {
  const applied = members.map((member) => member.applied);
  const last = members.map(({ node }) => node?.status().lastIndex ?? 0);
  return Math.max(...last) - Math.min(...applied);
}

function deliverAll(schedule: Schedule): void {
  for (let hops = 0; hops < 20; hops++) {
    for (const member of schedule.members) drain(member);
    const messages = schedule.network.takeAll();
    if (messages.length === 0) return;
    for (const m of messages) schedule.receive(m);
  }
}

function drain(member: SimulatedMember): void {
  for (;;) {
    if (member.canTakeReady) member.takeReady();
    else if (member.isWriting) member.finishWrite();
    else if (member.isApplying) member.apply();
    else return;
    member.observe();
  }
}

function newestLeader(schedule: Schedule): SimulatedMember | undefined {
  let newest: SimulatedMember | undefined;
  for (const member of schedule.members) {
    if (member.node?.role !== "leader") continue;
    if (newest === undefined || (newest.node?.term ?? 0) < member.node.term) newest = member;
  }
  return newest;
}

/** Everybody the leader counts has applied the same, and more than there was before; and who asked for a snapshot has one. */
function converged(schedule: Schedule, leader: SimulatedMember, above: Index): boolean {
  const { voters, learners, votersOutgoing } = leader.confState;
  if (leader.applied <= above) return false;
  const ids = new Set([...voters, ...learners, ...votersOutgoing]);
  const alone = voters.length === 1 && votersOutgoing.length === 0; // there is nobody to ask for a snapshot
  return schedule.members.every((member) => {
    if (!ids.has(member.id)) return true;
    return member.applied === leader.applied && (alone || !member.node?.status().snapshotWanted);
  });
}
