import { assert } from "../../base/mod.ts";
import type { ConfChangeV2, ConfState, Index } from "../types.ts";
import { changeMembership } from "./change.ts";
import { type Membership, toConfState } from "./membership.ts";

/**
 * The membership that a node goes by. It follows what the host applies, and may be ahead of it: a snapshot, or the founding
 * entries, put the whole of a membership in force at once, while the host still applies what led to it.
 */
export class MembershipInForce {
  #current: Membership;
  /** The changes up to here are in #current. */
  #index: Index;
  /** As the host knows it while it is applying what came before #index. */
  #behind: Membership;

  constructor(membership: Membership, applied: Index) {
    this.#current = membership;
    this.#index = applied;
    this.#behind = membership;
  }

  get current(): Membership {
    return this.#current;
  }

  /** All at once: `membership` is what the changes up to `index` come to. */
  replace(membership: Membership, index: Index): void {
    this.#behind = this.#current;
    this.#current = membership;
    this.#index = index;
  }

  /** The host applies a change. Gives the configuration as of its index, and whether it is news here. */
  apply(change: ConfChangeV2, index: Index): { readonly confState: ConfState; readonly isNews: boolean } {
    const isNews = index > this.#index;
    const result = changeMembership(isNews ? this.#current : this.#behind, change);
    assert(result.ok, `a committed change of membership can be made${result.ok ? "" : `: ${result.reason}`}`);
    if (isNews) {
      this.#current = result.membership;
      this.#index = index;
    } else this.#behind = result.membership;
    return { confState: toConfState(result.membership), isNews };
  }
}
