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
}

/** Requests that wait for their entry to be applied here. All wait equally long, so the oldest is the first to give up. */
export class Requests {
  readonly #timeoutMs: number;
  readonly #pending = new Map<bigint, Done>();
  readonly #order = new Ring<Pending>();

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  get size(): number {
    return this.#pending.size;
  }

  has(id: bigint): boolean {
    return this.#pending.has(id);
  }

  add(id: bigint, nowMs: number, done: Done): void {
    this.#pending.set(id, done);
    this.#order.push({ id, sinceMs: nowMs });
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
      if (waits) this.settle(oldest.id, fail(why(oldest.sinceMs)));
    }
  }

  failAll(reason: LostReason): void {
    for (const id of [...this.#pending.keys()]) this.settle(id, fail(reason));
  }
}
