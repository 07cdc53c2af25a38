import { Ring } from "../../base/mod.ts";
import type { EtcdErrorName } from "../../proto/mod.ts";
import { type Failure, fail } from "../mvcc/mod.ts";

/** Why a request was given up. Its entry may still be applied later: to the client all of these are indefinite. */
export type LostReason = Extract<
  EtcdErrorName,
  "Timeout" | "TimeoutDueToLeaderFail" | "TimeoutDueToConnectionLost" | "Stopped"
>;

/** Called once: with what applying the entry gave, or with why nobody knows whether it ever will. */
export type Done = (outcome: unknown | Failure<LostReason>) => void;

interface Pending {
  readonly id: bigint;
  readonly sinceMs: number;
  /** Term of the leader it was handed to; undefined while it waits for one. */
  term: number | undefined;
}

/**
 * Requests that wait for their entry to be applied here. All wait equally long, so the oldest is the first to give up, unless it
 * is known that their leader fell with them: then nobody waits in vain.
 */
export class Requests {
  readonly #timeoutMs: number;
  readonly #pending = new Map<bigint, Done>();
  readonly #order = new Ring<Pending>();
  /** Those of `#order` that the next batch of proposals will hold. */
  #unsent: Pending[] = [];
  #lostBefore = 0;
  /** Given up, so far. */
  lost = 0;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  get size(): number {
    return this.#pending.size;
  }

  has(id: bigint): boolean {
    return this.#pending.has(id);
  }

  /** `batched`: it goes to the leader with the next batch of proposals. */
  add(id: bigint, nowMs: number, done: Done, batched = true): void {
    this.#pending.set(id, done);
    const pending = { id, sinceMs: nowMs, term: undefined };
    this.#order.push(pending);
    if (batched) this.#unsent.push(pending);
  }

  /** It is in the log of this member already, which leads in `term`. */
  addHandedOver(id: bigint, nowMs: number, term: number, done: Done): void {
    this.#pending.set(id, done);
    this.#order.push({ id, sinceMs: nowMs, term });
  }

  /** All that was added (batched) before now is in the hands of the leader of `term`. */
  handedOver(term: number): void {
    for (const pending of this.#unsent) pending.term = term;
    this.#unsent = [];
  }

  /**
   * Gives up what was handed to the leader of an earlier term. To be called when an entry of `term` has been applied: what the
   * new leader's log has of earlier ones comes before its own first entry (§5.4.2). etcd lets these wait for their timeout.
   */
  loseBefore(term: number): void {
    if (term <= this.#lostBefore) return;
    this.#lostBefore = term;
    for (const { id, term: handedTo } of this.#order) {
      if (handedTo !== undefined && handedTo < term) this.#lose(id, "TimeoutDueToLeaderFail");
    }
  }

  /** Nothing happens if nobody waits, or not any more. */
  settle(id: bigint, outcome: unknown): void {
    const done = this.#pending.get(id);
    if (done === undefined) return;
    this.#pending.delete(id);
    done(outcome);
  }

  /** Gives up what waited too long; `why` is asked with the time the request came. */
  expire(nowMs: number, why: (sinceMs: number) => LostReason): void {
    for (let oldest = this.#order.peek(); oldest !== undefined; oldest = this.#order.peek()) {
      const waits = this.#pending.has(oldest.id);
      if (waits && nowMs - oldest.sinceMs < this.#timeoutMs) return;
      this.#order.shift();
      if (waits) this.#lose(oldest.id, why(oldest.sinceMs));
    }
  }

  failAll(reason: LostReason): void {
    for (const id of [...this.#pending.keys()]) this.#lose(id, reason);
  }

  #lose(id: bigint, reason: LostReason): void {
    if (this.#pending.has(id)) this.lost++;
    this.settle(id, fail(reason));
  }
}
