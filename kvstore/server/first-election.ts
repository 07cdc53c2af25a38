import { nobody } from "../../raft/mod.ts";
import type { Member } from "./member.ts";

/**
 * Nobody who starts has heard of a leader, and waiting out an election timeout would help nobody: once a quorum is connected, the
 * voter with the lowest id asks for votes. Pre-vote keeps this harmless if there is a leader after all.
 */
export class FirstElection {
  readonly #member: Member;
  #isOver = false;

  constructor(member: Member) {
    this.#member = member;
  }

  tick(): void {
    if (this.#isOver) return;
    const { id, leadership, options, voters, transport, host } = this.#member;
    if (leadership.leader !== nobody) this.#isOver = true;
    if (options.initialElectionTickAdvance === false && voters.length > 1) return;
    const connected = voters.filter((voter) => voter.id === id || transport.connectedSince(voter.id) !== undefined);
    if (voters[0]?.id !== id || connected.length * 2 <= voters.length) return;
    this.#isOver = true;
    if (leadership.leader === nobody) host.campaign();
  }
}
