import { encodeMembers } from "./join.ts";
import type { Member } from "./member.ts";
import { type PeerRequest, peerRequests } from "./transport.ts";

/** Answers what other members ask of this one. Set by whoever serves the kind. */
export type PeerRequestHandler = (payload: Uint8Array) => Promise<Uint8Array>;

/** Less than who joins waits for an answer. */
const longestPatienceMs = 2000;

/** What other members ask outside of Raft, and who answers it here. */
export class PeerAnswers {
  readonly #member: Member;
  readonly #handlers = new Map<PeerRequest, PeerRequestHandler>();

  constructor(member: Member) {
    this.#member = member;
    this.serve(peerRequests.members, async () => {
      await this.#heardOfMembers();
      return encodeMembers(member.clusterId, member.membership.members, member.applied);
    });
  }

  serve(kind: PeerRequest, handler: PeerRequestHandler): void {
    this.#handlers.set(kind, handler);
  }

  async answer(kind: PeerRequest, payload: Uint8Array): Promise<Uint8Array> {
    const handler = this.#handlers.get(kind);
    if (handler === undefined) throw new Error(`this member does not answer requests of kind ${kind}`);
    return handler(payload);
  }

  /**
   * Before a member that joins is told of the others: one that lags would tell it that it was not added, or of its predecessor under
   * the same URLs. Not for long: the quorum may be waiting for just the member that asks, and then what is known here has to do.
   */
  async #heardOfMembers(): Promise<void> {
    const member = this.#member;
    if (member.isLeader && member.applied >= member.committed) return;
    const patienceMs = Math.min(2 * member.electionMs, longestPatienceMs);
    await new Promise<void>((resolve) => {
      const timer = member.clock.after(patienceMs, resolve);
      const heard = () => {
        timer.cancel();
        resolve();
      };
      if (member.isLeader) member.whenApplied(member.committed, patienceMs).then(heard, heard);
      else member.linearizable(heard);
    });
  }
}
