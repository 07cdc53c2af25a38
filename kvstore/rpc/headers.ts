import type { ResponseHeader } from "../../proto/mod.ts";
import type { Member } from "../server/member.ts";

/** Who answers, and in which term: every answer says so. */
export class Headers {
  readonly #member: Member;

  constructor(member: Member) {
    this.#member = member;
  }

  /** With the revision of what was done. */
  at(revision: number): ResponseHeader {
    const { clusterId, id, leadership } = this.#member;
    return { clusterId, memberId: id, revision, raftTerm: leadership.term };
  }

  /** With the store's current revision. */
  current(): ResponseHeader {
    return this.at(this.#member.state.store.revision);
  }

  /** For answers about the cluster, which have no revision. */
  withoutRevision(): Omit<ResponseHeader, "revision"> {
    const { clusterId, id, leadership } = this.#member;
    return { clusterId, memberId: id, raftTerm: leadership.term };
  }
}
