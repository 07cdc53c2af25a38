import type { Clock, Log, Timer } from "../../base/mod.ts";
import type { BalancerOptions, Target } from "./balancer.ts";

type Health = "serving" | "draining" | "down";

interface Member {
  readonly target: Target;
  health: Health;
  failedChecks: number;
  readonly cuts: Set<() => void>;
}

/** One missed answer may be a moment's load; a second one in a row is not. */
const failedChecksUntilDown = 2;

/** Who may be given the next connection. */
export class TargetPool {
  readonly #members: Member[];
  readonly #check: BalancerOptions["check"];
  readonly #everyMs: number;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #stopped = new AbortController();
  readonly #timers = new Set<Timer>();
  #next = 0;

  constructor({ targets, check, checkEveryMs, clock, log }: BalancerOptions) {
    this.#members = targets.map((target) => ({ target, health: "serving", failedChecks: 0, cuts: new Set() }));
    this.#check = check;
    this.#everyMs = checkEveryMs ?? 1_000;
    this.#clock = clock;
    this.#log = log;
    if (check !== undefined) for (const member of this.#members) void this.#watch(member);
  }

  /** Everybody, best first: those that serve, in turn, then those that drain, then those that seem down, since a check may be late. */
  candidates(): Target[] {
    const { length } = this.#members;
    const turn = this.#members.map((_, index) => this.#members[(this.#next + index) % length] as Member);
    this.#next = (this.#next + 1) % Math.max(1, length);
    const order: readonly Health[] = ["serving", "draining", "down"];
    return order.flatMap((health) => turn.filter((member) => member.health === health)).map(({ target }) => target);
  }

  /** Returns what is to be called when the connection has ended. */
  joined(target: Target, cut: () => void): () => void {
    const member = this.#memberOf(target);
    member.cuts.add(cut);
    // Whoever accepts a connection is not down; where nobody checks, nobody else would say so.
    if (this.#check === undefined) this.#set(member, "serving", "");
    return () => member.cuts.delete(cut);
  }

  refused(target: Target, error: Error): void {
    this.#set(this.#memberOf(target), "down", error.message);
  }

  stop(): void {
    this.#stopped.abort();
    for (const timer of this.#timers) timer.cancel();
  }

  #memberOf(target: Target): Member {
    return this.#members.find((member) => member.target === target) as Member;
  }

  async #watch(member: Member): Promise<void> {
    const check = this.#check as NonNullable<BalancerOptions["check"]>;
    try {
      const verdict = await check(member.target, this.#stopped.signal);
      member.failedChecks = 0;
      this.#set(member, verdict, "");
    } catch (error) {
      member.failedChecks += 1;
      if (member.failedChecks >= failedChecksUntilDown) {
        this.#set(member, "down", (error as Error).message);
        for (const cut of [...member.cuts]) cut();
      }
    }
    if (this.#stopped.signal.aborted) return;
    const timer = this.#clock.after(this.#everyMs, () => {
      this.#timers.delete(timer);
      void this.#watch(member);
    });
    this.#timers.add(timer);
  }

  #set(member: Member, health: Health, why: string): void {
    if (member.health === health || this.#stopped.signal.aborted) return;
    member.health = health;
    const level = health === "serving" ? "info" : "warn";
    this.#log(level, `target is ${health}`, { target: member.target.name, ...(why !== "" && { why }) });
  }
}
