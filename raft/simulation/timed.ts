import { InvariantViolation } from "../../base/mod.ts";
import type { Message } from "../types.ts";
import { Calendar } from "./calendar.ts";
import { healAndProgress } from "./heal.ts";
import { BrokenInvariant } from "./ledger.ts";
import type { SimulatedMember } from "./member.ts";
import { Schedule } from "./schedule.ts";

export interface TimedOptions {
  readonly seed: number;
  /** Virtual, under faults. */
  readonly seconds: number;
  /** Voters at the start. Default 5. */
  readonly members?: number;
}

export interface TimedReport {
  readonly seed: number;
  /** That arrived. */
  readonly messages: number;
  readonly committed: number;
  readonly terms: number;
  readonly virtualMs: number;
}

type Item = Message | (() => void);

/**
 * A schedule in virtual time: members tick at their own pace, messages and disks take theirs, clients propose so many times a second, and
 * faults come and go. Members, disks and the properties that are checked after each step are the schedules'.
 */
export function runTimed(options: TimedOptions): TimedReport {
  try {
    return new TimedRun(options).run();
  } catch (error) {
    if (!(error instanceof BrokenInvariant || error instanceof InvariantViolation)) throw error;
    throw new Error(`seed ${options.seed}: ${error.message}`, { cause: error });
  }
}

class TimedRun {
  readonly #seed: number;
  readonly #untilMs: number;
  readonly #schedule: Schedule;
  readonly #calendar = new Calendar<Item>();
  /** A write of theirs is on its way to the disk. */
  readonly #writing = new Set<SimulatedMember>();
  readonly #tickMs: number;
  readonly #delayMs: number;
  readonly #writeMs: number;
  readonly #lostPercent: number;
  readonly #doubledPercent: number;
  #messages = 0;

  constructor({ seed, seconds, members = 5 }: TimedOptions) {
    this.#seed = seed;
    this.#untilMs = seconds * 1000;
    this.#schedule = new Schedule({ seed, members, readyPercent: 100, travel: (m) => this.#travel(m) });
    this.#tickMs = this.#oneOf([50, 100, 100, 200]);
    this.#delayMs = this.#oneOf([1, 5, 20]);
    this.#writeMs = this.#oneOf([1, 2, 10, 50]);
    this.#lostPercent = this.#oneOf([0, 0, this.#below(20)]);
    this.#doubledPercent = this.#oneOf([0, 0, this.#below(20)]);
  }

  run(): TimedReport {
    const { members, ledger } = this.#schedule;
    for (const member of members) this.#often(this.#tickMs, () => this.#do(member, () => member.node?.tick()));
    this.#drawLoad();
    while (this.#calendar.nowMs < this.#untilMs) {
      for (const item of this.#calendar.next()) {
        if (typeof item === "function") item();
        else this.#arrives(item);
      }
    }
    // What is still on its way arrives when everything is mended.
    const rest = Array.from({ length: 4096 }, () => this.#calendar.next()).flat();
    for (const item of rest) if (typeof item !== "function") this.#schedule.network.send(item);
    this.#mended = true;
    healAndProgress(this.#schedule);
    return {
      seed: this.#seed,
      messages: this.#messages,
      committed: ledger.maxCommitted,
      terms: Math.max(...members.map(({ node }) => node?.term ?? 0)),
      virtualMs: this.#untilMs,
    };
  }

  #mended = false;

  /** How many times a second what happens: swarm testing again. */
  #drawLoad(): void {
    const schedule = this.#schedule;
    const anybody = () => this.#oneOf(schedule.members);
    const perSecond: readonly [times: number, happen: () => void][] = [
      [this.#oneOf([5, 20, 50]), () => this.#propose()],
      [this.#oneOf([0, 5, 20]), () => this.#do(schedule.leaderOr(anybody()), (member) => schedule.read(member))],
      [this.#oneOf([0, 0.1, 0.5]), () => schedule.crash(anybody())],
      [1, () => this.#restart()],
      [this.#oneOf([0, 0.1, 0.5]), () => schedule.partition()],
      [this.#oneOf([0.2, 1]), () => schedule.network.heal()],
      [this.#oneOf([0, 0, 0.2]), () => this.#do(anybody(), ({ node }) => node?.campaign())],
      [this.#oneOf([0, 0.1, 0.5]), () => this.#do(anybody(), ({ node }) => node?.transferLeader(anybody().id))],
      [this.#oneOf([0, 0.1, 0.5]), () => this.#do(anybody(), (member) => schedule.changeMembership(member))],
      [this.#oneOf([0, 0.5]), () => this.#do(anybody(), (member) => member.node && member.compact())],
    ];
    for (const [times, happen] of perSecond) if (times > 0) this.#now(1000 / times, happen);
  }

  #propose(): void {
    const { members } = this.#schedule;
    this.#do(this.#schedule.leaderOr(this.#oneOf(members)), (member) => this.#schedule.propose(member));
  }

  #restart(): void {
    for (const member of this.#schedule.members) {
      if (member.node !== undefined) continue;
      this.#writing.delete(member);
      member.start();
      this.#settle(member);
    }
  }

  /** Every so many milliseconds, as clocks do: a little more, a little less. */
  #often(everyMs: number, happen: () => void): void {
    const again = () => {
      happen();
      this.#calendar.after(everyMs - 1 + this.#below(3), again);
    };
    this.#calendar.after(1 + this.#below(everyMs), again);
  }

  /** Now and then: so many milliseconds apart on average. */
  #now(meanMs: number, happen: () => void): void {
    const again = () => {
      happen();
      this.#calendar.after(1 + this.#below(2 * meanMs), again);
    };
    this.#calendar.after(1 + this.#below(2 * meanMs), again);
  }

  #do(member: SimulatedMember, work: (member: SimulatedMember) => void): void {
    work(member);
    this.#settle(member);
  }

  /** Its host does what there is to do: what it hands out is written, in its time, and what is committed is applied. */
  #settle(member: SimulatedMember): void {
    this.#schedule.settle(member);
    while (member.isApplying && member.node !== undefined) {
      member.apply();
      this.#schedule.settle(member);
    }
    if (!member.isWriting || this.#writing.has(member)) return;
    this.#writing.add(member);
    const { node } = member;
    this.#calendar.after(this.#spread(this.#writeMs), () => {
      // A member that went down in between has another node by now.
      if (member.node !== node || node === undefined) return;
      this.#writing.delete(member);
      member.finishWrite();
      this.#settle(member);
    });
  }

  #travel(m: Message): void {
    if (this.#mended) {
      this.#schedule.network.send(m);
      return;
    }
    if (this.#lostPercent > 0 && this.#below(100) < this.#lostPercent) this.#schedule.lost(m);
    else this.#calendar.after(this.#spread(this.#delayMs), m);
    if (this.#doubledPercent > 0 && this.#below(100) < this.#doubledPercent)
      this.#calendar.after(this.#spread(this.#delayMs), m);
  }

  #arrives(m: Message): void {
    if (this.#schedule.network.isCut(m.from, m.to)) {
      this.#schedule.lost(m);
      return;
    }
    this.#messages++;
    const member = this.#schedule.receive(m);
    if (member !== undefined) this.#settle(member);
  }

  /** Mostly a little more than the least, sometimes a lot. */
  #spread(leastMs: number): number {
    const die = this.#below(16);
    if (die > 2) return leastMs;
    return leastMs + this.#below(leastMs * (die === 0 ? 20 : 3)) + 1;
  }

  #below(below: number): number {
    return this.#schedule.random.below(below);
  }

  #oneOf<T>(choices: readonly T[]): T {
    return choices[this.#below(choices.length)] as T;
  }
}
