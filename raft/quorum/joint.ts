import type { Index, NodeId } from "../types.ts";
import { majorityIndex, majorityVote, type VoteResult } from "./majority.ts";

/** A joint configuration decides only what both of its halves decide (thesis §4.3). Sorts both arrays in place. */
export function jointIndex(incoming: Index[], outgoing: Index[]): Index {
  return Math.min(majorityIndex(incoming), majorityIndex(outgoing));
}

export function jointVote(
  incoming: Iterable<NodeId>,
  outgoing: Iterable<NodeId>,
  votes: ReadonlyMap<NodeId, boolean>,
): VoteResult {
  const [a, b] = [majorityVote(incoming, votes), majorityVote(outgoing, votes)];
  if (a === b) return a;
  return a === "lost" || b === "lost" ? "lost" : "pending";
}
