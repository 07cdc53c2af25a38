import { equalBytes } from "../../base/mod.ts";

/** Why a linearizable read cannot be answered. */
export type ReadFailure = "Timeout" | "LeaderChanged" | "Stopped";

type Waiter = (failure: ReadFailure | undefined) => void;

interface Round {
  readonly context: Uint8Array;
  readonly waiters: readonly Waiter[];
  readonly sinceMs: number;
  askedMs: number;
}

interface Confirmed {
  readonly index: number;
  readonly waiters: readonly Waiter[];
}

const retryMs = 500;

/**
 * Linearizable reads (thesis §6.4): the leader confirms that it still leads, and tells the index that a read must not go
 * below. One such round serves every read that came while the one before was under way.
 */
export class Reads {
  readonly #timeoutMs: number;
  /** Asks Raft for a round. Its answer, if one comes, carries the same context. */
  readonly #ask: (context: Uint8Array) => void;
  #waiting: Waiter[] = [];
  #waitingSinceMs = 0;
  #round: Round | undefined;
  /** Confirmed, and waiting for the state machine to get there; in order of index. */
  #confirmed: Confirmed[] = [];
  #rounds = 0;
  /** Questions asked again because an answer stayed out, and reads that were given up. */
  readonly counts = { slow: 0, failed: 0 };

  constructor(timeoutMs: number, ask: (context: Uint8Array) => void) {
    this.#timeoutMs = timeoutMs;
    this.#ask = ask;
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0;
  }

  add(waiter: Waiter, nowMs: number): void {
    if (this.#waiting.length === 0) this.#waitingSinceMs = nowMs;
    this.#waiting.push(waiter);
  }

  /** Starts a round if there is something to ask for and none is under way. */
  start(nowMs: number): void {
    if (this.#round !== undefined || this.#waiting.length === 0) return;
    const context = this.#nextContext();
    this.#round = { context, waiters: this.#waiting, sinceMs: this.#waitingSinceMs, askedMs: nowMs };
    this.#waiting = [];
    this.#ask(context);
  }

  /** The leader's answer. */
  confirm(context: Uint8Array, index: number, applied: number): void {
    const round = this.#round;
    // An answer to a round that was asked again, or given up: the newer one will come.
    if (round === undefined || !equalBytes(round.context, context)) return;
    this.#round = undefined;
    if (applied >= index) for (const waiter of round.waiters) waiter(undefined);
    else this.#confirmed.push({ index, waiters: round.waiters });
  }

  /** The state machine has come to `applied`. */
  advance(applied: number): void {
    while (this.#confirmed.length > 0 && this.#confirmed[0]!.index <= applied) {
      for (const waiter of this.#confirmed.shift()!.waiters) waiter(undefined);
    }
  }

  /** Asks again when an answer stays out: the question may have been lost, or have come to a leader that could not tell yet. */
  tick(nowMs: number): void {
    const round = this.#round;
    if (round === undefined) return;
    if (nowMs - round.sinceMs >= this.#timeoutMs) {
      this.#round = undefined;
      this.counts.failed++;
      for (const waiter of round.waiters) waiter("Timeout");
    } else if (nowMs - round.askedMs >= retryMs) {
      // A new context: a late answer to the old question must not confirm a leadership of today.
      this.counts.slow++;
      const context = this.#nextContext();
      this.#round = { ...round, context, askedMs: nowMs };
      this.#ask(context);
    }
  }

  /** Fails the round under way; those that wait for the next one are not concerned. */
  failRound(failure: ReadFailure): void {
    const round = this.#round;
    this.#round = undefined;
    for (const waiter of round?.waiters ?? []) waiter(failure);
  }

  failAll(failure: ReadFailure): void {
    this.failRound(failure);
    const waiters = [...this.#confirmed.flatMap((confirmed) => confirmed.waiters), ...this.#waiting];
    this.#confirmed = [];
    this.#waiting = [];
    for (const waiter of waiters) waiter(failure);
  }

  #nextContext(): Uint8Array {
    const context = new Uint8Array(8);
    new DataView(context.buffer).setFloat64(0, ++this.#rounds);
    return context;
  }
}
