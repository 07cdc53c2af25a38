import { assert } from "../../base/mod.ts";
import type { ConfState, NodeId } from "../types.ts";

/** Who takes part, and how. Immutable. */
export interface Membership {
  readonly voters: ReadonlySet<NodeId>;
  /** The other half of a joint configuration; empty otherwise. */
  readonly votersOutgoing: ReadonlySet<NodeId>;
  readonly learners: ReadonlySet<NodeId>;
  /** Still voting in the outgoing half; learners once it is gone. */
  readonly learnersNext: ReadonlySet<NodeId>;
  /** The leader proposes to leave the joint configuration by itself. */
  readonly autoLeave: boolean;
}

export function isJoint(membership: Membership): boolean {
  return membership.votersOutgoing.size > 0;
}

export function isVoter(membership: Membership, id: NodeId): boolean {
  return membership.voters.has(id) || membership.votersOutgoing.has(id);
}

/** Everybody the leader replicates to, in the order of their ids. */
export function members(membership: Membership): NodeId[] {
  const ids = new Set([...membership.voters, ...membership.votersOutgoing, ...membership.learners]);
  return sorted(ids);
}

/** Stored, it comes back as it was: a list that names somebody twice was not written by us. */
export function fromConfState(state: ConfState): Membership {
  const membership: Membership = {
    voters: new Set(sorted(state.voters)),
    votersOutgoing: new Set(sorted(state.votersOutgoing)),
    learners: new Set(sorted(state.learners)),
    learnersNext: new Set(sorted(state.learnersNext)),
    autoLeave: state.autoLeave,
  };
  checkMembership(membership);
  for (const list of ["voters", "votersOutgoing", "learners", "learnersNext"] as const) {
    assert(membership[list].size === state[list].length, "a membership is restored as it was stored");
  }
  return membership;
}

export function toConfState(membership: Membership): ConfState {
  return {
    voters: sorted(membership.voters),
    learners: sorted(membership.learners),
    votersOutgoing: sorted(membership.votersOutgoing),
    learnersNext: sorted(membership.learnersNext),
    autoLeave: membership.autoLeave,
  };
}

export function checkMembership({ voters, votersOutgoing, learners, learnersNext, autoLeave }: Membership): void {
  assert(learners.isDisjointFrom(voters), "a learner is no voter");
  assert(learners.isDisjointFrom(votersOutgoing), "a voter on its way out is not a learner yet");
  assert(learnersNext.isSubsetOf(votersOutgoing), "who becomes a learner later is a voter on its way out");
  assert(learnersNext.isDisjointFrom(voters), "who becomes a learner later is no voter of the incoming half");
  if (votersOutgoing.size === 0) assert(!autoLeave, "only a joint configuration can be left");
}

function sorted(ids: Iterable<NodeId>): NodeId[] {
  return [...ids].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
