import type { Index, NodeId } from "../types.ts";

/** `pending`: the votes still out can decide either way. */
export type VoteResult = "won" | "lost" | "pending";

export function majoritySize(members: number): number {
  return Math.floor(members / 2) + 1;
}

/**
 * The highest index that a majority has reached, given what each member has reached. Of nobody: infinity, so that an
 * empty half of a joint quorum never holds the other back.
 *
 * Called for every acknowledgement, with a handful of members: sorts `reached` in place, by insertion.
 */
export function majorityIndex(reached: Index[]): Index {
  const count = reached.length;
  if (count === 0) return Number.POSITIVE_INFINITY;
  for (let i = 1; i < count; i++) {
    const value = reached[i] as Index;
    let at = i;
    for (; at > 0 && (reached[at - 1] as Index) > value; at--) reached[at] = reached[at - 1] as Index;
    reached[at] = value;
  }
  return reached[count - majoritySize(count)] as Index;
}

/** What the votes cast so far amount to. An empty half of a joint quorum is won. */
export function majorityVote(voters: Iterable<NodeId>, votes: ReadonlyMap<NodeId, boolean>): VoteResult {
  let members = 0;
  let granted = 0;
  let rejected = 0;
  for (const voter of voters) {
    members++;
    const vote = votes.get(voter);
    if (vote === true) granted++;
    else if (vote === false) rejected++;
  }
  if (members === 0 || granted >= majoritySize(members)) return "won";
  return rejected > members - majoritySize(members) ? "lost" : "pending";
}
