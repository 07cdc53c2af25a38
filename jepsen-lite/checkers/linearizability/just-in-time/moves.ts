import type { Change, Configuration } from "./configuration.ts";
import type { Pending } from "./pending.ts";
import { none, type Timeline } from "./timeline.ts";

/** What a configuration costs, in steps of a budget. */
const stepsOfCopy = 8;
/** Compare-and-sets that lead to a value, one after the other, are looked for as far as this. Others are found by trying chains of all. */
const longestWay = 4;

/**
 * What can have happened when an operation returns that has not taken effect: some others that are under way did, one after the other, and it was the last.
 *
 * That is all it takes. Of any order that works, let each operation take effect as late as those behind it allow: then it happens when one of these returns, and
 * that one is the last of those that happen then (just-in-time linearization, G. Lowe: Testing for linearizability, 2017, section 7).
 *
 * Of a write that is followed by another plain write nothing is decided here: see `Configuration`. So what happens is a chain of compare-and-sets, each in the value
 * that there is or behind a write of the one that it needs, and then the operation itself, perhaps behind a write that makes it legal.
 */
export class Moves {
  /** Configurations looked at so far. */
  spent = 0;
  /** Whether something was left out. */
  incomplete = false;
  /** Compare-and-sets in a chain, besides those that lead to what has to happen. */
  longestChain = Infinity;
  /** What the moves of one configuration at one return may cost. */
  mostSteps = Infinity;
  /** Whether configurations are dropped that are sure to fail later. It changes no verdict, but where a history is found to be stuck. */
  looksAhead = true;

  readonly #timeline: Timeline;
  readonly #pending: Pending;
  #now = 0;
  #until = 0;
  #found: Configuration[] = [];
  #start!: Configuration;
  /** The call that returns. */
  #goal = none;

  constructor(timeline: Timeline, pending: Pending) {
    this.#timeline = timeline;
    this.#pending = pending;
  }

  /** What can have become of `from` when `call`, which has not taken effect, returns at `now`. */
  before(from: Configuration, call: number, now: number): readonly Configuration[] {
    this.#goal = call;
    this.#now = now;
    this.#until = this.spent + this.mostSteps;
    this.#found = [];
    this.#start = from;
    if (from.slot > (this.#timeline.invokedAt[call] as number)) this.#behind(from);
    this.#chains(from, 0);
    return this.#found;
  }

  /** An operation that has been invoked: a read that is legal takes effect at once, for it changes nothing. */
  invoke(configuration: Configuration, call: number): void {
    const kind = this.#timeline.kind[call];
    const needs = this.#timeline.needs[call];
    const legal = kind === "read" ? needs === configuration.value : kind === "missed" && needs !== configuration.value;
    if (legal) configuration.set(this.#timeline.place[call] as number);
  }

  /** What the last plain write can have hidden. */
  #behind(from: Configuration): void {
    const goal = this.#goal;
    const needs = this.#timeline.needs[goal] as number;
    switch (this.#timeline.kind[goal]) {
      case "write":
        this.#add(this.#hide(from.copy(), goal));
        return;
      case "missed":
        for (const write of this.#supplies(from, from.slot))
          if (this.#timeline.leaves[write] !== needs) this.#add(this.#hide(from.copy(), write));
        return;
      case "cas":
        for (const to of this.#waysBehind(from, needs, 0)) this.#add(this.#hide(to, goal));
        for (const to of this.#waysOnwards(from, needs, 0)) this.#add(this.#hide(to, goal, "onwards"));
        return;
      case "read":
        for (const to of this.#waysBehind(from, needs, 0)) this.#add(to);
        for (const to of this.#waysOnwards(from, needs, 0)) this.#add(to);
    }
  }

  /** The operation that returns after chains of any compare-and-sets. */
  #chains(from: Configuration, length: number): void {
    if (this.#end(from, length)) return;
    if (length >= this.longestChain) {
      this.incomplete ||= this.#hasSwap(from);
      return;
    }
    for (const cas of this.#swaps(from)) {
      if (this.spent++ > this.#until) {
        this.incomplete = true;
        return;
      }
      const needs = this.#timeline.needs[cas] as number;
      if (from.value === needs) this.#goOn(this.#swap(from.copy(), cas), length);
      const write = this.#supply(from, needs, this.#now);
      if (write !== none) this.#goOn(this.#swap(this.#write(from.copy(), write), cas), length);
    }
  }

  #goOn(to: Configuration, length: number): void {
    this.spent += stepsOfCopy;
    this.#chains(to, length + 1);
  }

  /** Lets the operation that returns happen, if it can; true when it has already. */
  #end(from: Configuration, length: number): boolean {
    const goal = this.#goal;
    const needs = this.#timeline.needs[goal] as number;
    switch (this.#timeline.kind[goal]) {
      case "write":
        this.#add(this.#write(from.copy(), goal));
        return false;
      case "cas":
        if (from.value === needs) this.#add(this.#swap(from.copy(), goal));
        for (const to of this.#ways(from, needs, 0)) this.#add(this.#swap(to, goal));
        return false;
      case "read":
        if (length > 0 && from.value === needs) return this.#add(from);
        for (const to of this.#ways(from, needs, 0)) this.#add(to);
        return false;
      default:
        if (length > 0 && from.value !== needs) return this.#add(from);
        for (const write of this.#supplies(from, this.#now))
          if (this.#timeline.leaves[write] !== needs) this.#add(this.#write(from.copy(), write));
        return false;
    }
  }

  /** Copies of the configuration in which the register has come to hold the value: by a write; where there is none, by compare-and-sets that lead there. */
  *#ways(from: Configuration, value: number, length: number): Generator<Configuration> {
    const write = this.#supply(from, value, this.#now);
    if (write !== none) {
      yield this.#write(from.copy(), write);
      return;
    }
    if (length === longestWay) return;
    for (const cas of this.#swapsTo(from, value, this.#now)) {
      if (cas === this.#goal) continue;
      if (this.spent++ > this.#until) return;
      const needs = this.#timeline.needs[cas] as number;
      if (from.value === needs) yield this.#swap(from.copy(), cas);
      else for (const to of this.#ways(from, needs, length + 1)) if (!this.#isUsed(to, cas)) yield this.#swap(to, cas);
    }
  }

  /** The same directly before the last plain write. */
  *#waysBehind(from: Configuration, value: number, length: number): Generator<Configuration> {
    const write = this.#supply(from, value, from.slot);
    if (write !== none) {
      yield this.#hide(from.copy(), write);
      return;
    }
    if (length === longestWay) return;
    for (const cas of this.#swapsTo(from, value, from.slot)) {
      if (cas === this.#goal) continue;
      if (this.spent++ > this.#until) return;
      for (const to of this.#waysBehind(from, this.#timeline.needs[cas] as number, length + 1))
        if (!this.#isUsed(to, cas)) yield this.#hide(to, cas);
    }
  }

  /** By compare-and-sets that followed on what the last plain write overwrote. */
  *#waysOnwards(from: Configuration, value: number, length: number): Generator<Configuration> {
    if (from.overwritten === value) yield from.copy();
    else if (length < longestWay)
      for (const cas of this.#swapsTo(from, value, from.slot)) {
        if (cas === this.#goal) continue;
        if (this.spent++ > this.#until) return;
        for (const to of this.#waysOnwards(from, this.#timeline.needs[cas] as number, length + 1))
          if (!this.#isUsed(to, cas)) yield this.#hide(to, cas, "onwards");
      }
  }

  #add(configuration: Configuration): true {
    this.spent += stepsOfCopy;
    if (!this.looksAhead || !this.#isDoomed(configuration)) this.#found.push(configuration);
    return true;
  }

  /** The write now. */
  #write(to: Configuration, write: number): Configuration {
    this.#use(to, write, this.#now, "last");
    to.slot = this.#now;
    to.overwritten = to.value;
    this.#arrive(to, this.#timeline.leaves[write] as number);
    return to;
  }

  #swap(to: Configuration, cas: number): Configuration {
    this.#use(to, cas, this.#now, "last");
    this.#arrive(to, this.#timeline.leaves[cas] as number);
    return to;
  }

  #arrive(to: Configuration, value: number): void {
    const { place } = this.#timeline;
    if (to.value !== value) for (const call of this.#pending.missed.of(to.value)) to.set(place[call] as number);
    for (const call of this.#pending.reads.of(value)) to.set(place[call] as number);
    to.value = value;
  }

  /** The write or compare-and-set directly before the last plain write. */
  #hide(to: Configuration, call: number, where: "hidden" | "onwards" = "hidden"): Configuration {
    const { place, invokedAt, leaves } = this.#timeline;
    const value = leaves[call] as number;
    this.#use(to, call, to.slot, where);
    if (where === "onwards") to.overwritten = value;
    for (const read of this.#pending.reads.of(value))
      if ((invokedAt[read] as number) < to.slot) to.set(place[read] as number);
    if (value !== to.value)
      for (const missed of this.#pending.missed.of(to.value))
        if ((invokedAt[missed] as number) < to.slot) to.set(place[missed] as number);
    return to;
  }

  #use(to: Configuration, call: number, at: number, where: Change["where"]): void {
    const place = this.#timeline.place[call] as number;
    if (place !== none) to.set(place);
    else {
      const of = this.#timeline.crashedClass[call] as number;
      to.crashed = to.crashed.slice();
      to.crashed[of] = (to.crashed[of] as number) + 1;
      to.crashedUsed++;
    }
    to.trail = { before: to.trail, call, isWrite: this.#timeline.kind[call] === "write", at, where };
  }

  /** The write of a value to use, of those invoked before `until`: the one that returns first, for the others last longer; `none` if there is none. */
  #supply(from: Configuration, value: number, until: number): number {
    const { place, invokedAt, crashedWrite } = this.#timeline;
    for (const write of this.#pending.writes.of(value))
      if ((invokedAt[write] as number) < until && !from.has(place[write] as number) && write !== this.#goal)
        return write;
    const of = crashedWrite.get(value);
    return of === undefined ? none : this.#crashed(from, of, until);
  }

  /** The next of a class of crashed calls. */
  #crashed(from: Configuration, of: number, until: number): number {
    const call = (this.#timeline.crashed[of] as readonly number[])[from.crashed[of] as number];
    return call !== undefined && (this.#timeline.invokedAt[call] as number) < until ? call : none;
  }

  /** A write of each value that there is one of. */
  *#supplies(from: Configuration, until: number): Generator<number> {
    for (const value of this.#pending.writes.values()) {
      const write = this.#supply(from, value, until);
      if (write !== none) yield write;
    }
    for (const [value, of] of this.#timeline.crashedWrite) {
      if (this.#pending.writes.of(value).length > 0) continue;
      const write = this.#crashed(from, of, until);
      if (write !== none) yield write;
    }
  }

  /** All compare-and-sets that have not taken effect, but the one that returns. */
  *#swaps(from: Configuration): Generator<number> {
    const { place, crashedCas } = this.#timeline;
    for (const cas of this.#pending.cas) if (cas !== this.#goal && !from.has(place[cas] as number)) yield cas;
    if (this.longestChain === Infinity) {
      for (const of of crashedCas) {
        const cas = this.#crashed(from, of, this.#now);
        if (cas !== none) yield cas;
      }
    } else if (crashedCas.length > 0) this.incomplete = true;
  }

  #hasSwap(from: Configuration): boolean {
    const { place, crashedCas } = this.#timeline;
    if (crashedCas.length > 0) return true;
    for (const cas of this.#pending.cas) if (cas !== this.#goal && !from.has(place[cas] as number)) return true;
    return false;
  }

  /** Of a compare-and-set that could be used when the way to it began. */
  #isUsed(to: Configuration, cas: number): boolean {
    const place = this.#timeline.place[cas] as number;
    if (place !== none) return to.has(place);
    const of = this.#timeline.crashedClass[cas] as number;
    return (this.#timeline.crashed[of] as readonly number[])[to.crashed[of] as number] !== cas;
  }

  *#swapsTo(from: Configuration, value: number, until: number): Generator<number> {
    const { place, invokedAt } = this.#timeline;
    for (const cas of this.#pending.casTo.of(value))
      if ((invokedAt[cas] as number) < until && !from.has(place[cas] as number)) yield cas;
    for (const of of this.#timeline.crashedCasTo.get(value) ?? []) {
      const cas = this.#crashed(from, of, until);
      if (cas !== none) yield cas;
    }
  }

  /** Whether something needs a value that was left or used up, before it can come again. */
  #isDoomed(to: Configuration): boolean {
    if (this.#isMissing(to, this.#start.value)) return true;
    for (let change = to.trail; change !== this.#start.trail && change !== undefined; change = change.before)
      if (this.#isMissing(to, this.#timeline.leaves[change.call] as number)) return true;
    return false;
  }

  #isMissing(to: Configuration, value: number): boolean {
    if (to.value === value || this.#supply(to, value, this.#now) !== none) return false;
    for (const _ of this.#swapsTo(to, value, this.#now)) return false;
    const supplied = this.#timeline.nextSupply(value, this.#now);
    return (
      this.#timeline.nextDemand(value, this.#now) < supplied ||
      this.#isWaiting(to, this.#pending.reads.of(value), supplied) ||
      this.#isWaiting(to, this.#pending.casFrom.of(value), supplied)
    );
  }

  /** Whether one of the calls returns before `time` and has not taken effect. */
  #isWaiting(to: Configuration, calls: readonly number[], time: number): boolean {
    for (const call of calls) {
      if ((this.#timeline.returnedAt[call] as number) >= time) return false;
      if (!to.has(this.#timeline.place[call] as number)) return true;
    }
    return false;
  }
}
