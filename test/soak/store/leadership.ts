import { setTimeout as delay } from "node:timers/promises";
import type { EtcdClient } from "../../../kvstore/client/mod.ts";
import type { FailedRequest } from "./load.ts";

/** A time without a leader that most agree on, and what it ended in. */
export interface LeaderChange {
  readonly from: number;
  readonly to: number;
  readonly term: number;
}

const everyMs = 30;

/**
 * Asks all members all the time who leads. A change of the leader lasts from the last moment at which most members named one and the same leader to the first moment at
 * which most name the next; the asking itself takes a little at both ends.
 */
export class LeadershipWatch {
  readonly changes: LeaderChange[] = [];
  readonly #running: Promise<void>;
  #clients: readonly EtcdClient[];
  #stopped = false;

  constructor(clients: readonly EtcdClient[]) {
    this.#clients = clients;
    this.#running = this.#watch();
  }

  /** These are the members now. */
  ask(clients: readonly EtcdClient[]): void {
    this.#clients = clients;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** Whether the request was under way during a change. */
  excuses({ sentAt, failedAt }: FailedRequest): boolean {
    return this.changes.some(({ from, to }) => sentAt <= to && failedAt >= from);
  }

  async #watch(): Promise<void> {
    let known: { readonly leader: bigint; readonly term: number } | undefined;
    let since = performance.now();
    while (!this.#stopped) {
      const askedAt = performance.now();
      const agreed = await this.#agreed();
      const heardAt = performance.now();
      if (agreed !== undefined) {
        if (known !== undefined && (agreed.leader !== known.leader || agreed.term !== known.term))
          this.changes.push({ from: since, to: heardAt, term: agreed.term });
        known = agreed;
        since = askedAt;
      }
      await delay(everyMs);
    }
  }

  async #agreed(): Promise<{ readonly leader: bigint; readonly term: number } | undefined> {
    const clients = this.#clients;
    const answers = await Promise.all(
      clients.map(({ maintenance }) => maintenance.status({ timeoutMs: 1000 }).catch(() => undefined)),
    );
    const votes = new Map<string, number>();
    for (const status of answers) {
      if (status === undefined || status.leader === 0n) continue;
      const vote = `${status.leader} ${status.raftTerm}`;
      votes.set(vote, (votes.get(vote) ?? 0) + 1);
    }
    const [most = "", count = 0] = [...votes].sort(([, a], [, b]) => b - a)[0] ?? [];
    if (count * 2 <= clients.length) return undefined;
    const [leader = "0", term = "0"] = most.split(" ");
    return { leader: BigInt(leader), term: Number(term) };
  }
}
