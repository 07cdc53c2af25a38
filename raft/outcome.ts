/** Why a request was not taken. It has no effect then, and may be tried again. */
export type RefusalReason =
  /** Nobody is known to lead. */
  | "NoLeader"
  /** Followers of this node do not pass proposals on. */
  | "ForwardingDisabled"
  /** The leader is handing over and would lose the proposal. */
  | "LeaderTransferring"
  /** More would be on its way than maxUncommittedBytes. */
  | "TooManyUncommittedBytes"
  /** The last change of membership is not applied yet, or this leader has not committed anything in its term. */
  | "ConfChangePending"
  /** The change cannot be made from the present membership. */
  | "ConfChangeInvalid"
  /** Lease reads trust that nobody forgets a leader before its time. */
  | "LeaseReads";

/**
 * `ok` means taken or passed on, not committed: the leader may change before it is. Whoever proposes learns the end of it
 * from the committed entries, or never.
 */
export type Outcome = { readonly ok: true } | { readonly ok: false; readonly reason: RefusalReason };

export const accepted: Outcome = { ok: true };

export function refused(reason: RefusalReason): Outcome {
  return { ok: false, reason };
}
