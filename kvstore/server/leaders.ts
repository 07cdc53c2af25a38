import { type Clock, Deferred } from "../../base/mod.ts";
import { type NodeId, nobody } from "../../raft/mod.ts";
import type { Leadership } from "./raft-host.ts";
import type { LostReason } from "./requests.ts";

export interface LeadersOptions {
  readonly clock: Clock;
  readonly electionMs: number;
  readonly current: () => Leadership;
  /** Whether the connection to the member has been up since then (monotonic milliseconds). */
  readonly connected: (id: NodeId, sinceMs: number) => boolean;
  /** Whether a quorum of voters has been reachable since then. */
  readonly quorumConnected: (sinceMs: number) => boolean;
  readonly isSelf: (id: NodeId) => boolean;
}

/** Who has led, as this member saw it: whom that concerns hears of it, and requests that were lost learn why. */
export class Leaders {
  readonly #options: LeadersOptions;
  readonly #listeners = new Set<(now: Leadership) => void>();
  #sinceMs = 0;
  #lostMs = 0;
  #last = nobody;
  /** Leaders that were another one than the one before. */
  changes = 0;

  constructor(options: LeadersOptions) {
    this.#options = options;
  }

  /** Gives how to stop listening. */
  listen(listener: (now: Leadership) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  note(now: Leadership): void {
    const nowMs = this.#options.clock.monotonic();
    if (now.leader === nobody) this.#lostMs = nowMs;
    else if (now.leader !== this.#last) {
      this.#sinceMs = nowMs;
      this.#last = now.leader;
      this.changes++;
    }
  }

  tell(now: Leadership): void {
    for (const listener of this.#listeners) listener(now);
  }

  /** Resolves when the leader is another one than `from`, or after `timeoutMs`; then with false. */
  async change(from: bigint, timeoutMs: number): Promise<boolean> {
    const changed = new Deferred<boolean>();
    const stopListening = this.listen(({ leader }) => {
      if (leader !== from && leader !== nobody) changed.resolve(true);
    });
    const timer = this.#options.clock.after(timeoutMs, () => changed.resolve(false));
    try {
      return await changed.promise;
    } finally {
      timer.cancel();
      stopListening();
    }
  }

  /** Of a request that came at `sinceMs`, as etcd tells them apart: a leader that fell, a network that broke, or neither. */
  whyLost(sinceMs: number): LostReason {
    const { electionMs, current, connected, quorumConnected, isSelf } = this.#options;
    const leaderFell = sinceMs < this.#sinceMs && sinceMs > this.#lostMs - 2 * electionMs && this.#lostMs > 0;
    if (leaderFell) return "TimeoutDueToLeaderFail";
    const { leader } = current();
    if (leader === nobody) return "Timeout";
    const reachable = isSelf(leader) ? quorumConnected(sinceMs) : connected(leader, sinceMs);
    return reachable ? "Timeout" : "TimeoutDueToConnectionLost";
  }
}
