import type { Membership } from "../confchange/membership.ts";
import { jointVote } from "../quorum/joint.ts";
import type { VoteResult } from "../quorum/majority.ts";
import type { NodeId } from "../types.ts";

/** The answers of one campaign: one per voter, the first one counts, however often the network repeats it. */
export class Votes {
  readonly #answers = new Map<NodeId, boolean>();

  record(voter: NodeId, granted: boolean): void {
    if (!this.#answers.has(voter)) this.#answers.set(voter, granted);
  }

  result(membership: Membership): VoteResult {
    return jointVote(membership.voters, membership.votersOutgoing, this.#answers);
  }
}
