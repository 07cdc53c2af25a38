import { assert } from "../../../../base/mod.ts";
import type { Call, Model } from "../model.ts";
import type { RegisterOp } from "../register.ts";
import type { SearchResult, Stuck } from "../search.ts";
import { certify } from "./certificate.ts";
import { Configuration } from "./configuration.ts";
import { Frontier, type Layer } from "./frontier.ts";
import { Timeline } from "./timeline.ts";

/** How much is tried, from what is enough nearly everywhere to everything. */
export interface Effort {
  /** Configurations kept. */
  readonly width: number;
  readonly longestChain: number;
  /** Of the moves of one configuration at one return. */
  readonly mostSteps: number;
  /** After a dead end: so many events back. And whether nothing leads to it is looked at from there as well. */
  readonly distance: number;
}

function usualEffort(level: number): Effort {
  return {
    width: 8 ** (1 + Math.min(level, 5)),
    longestChain: level < 2 ? level + 1 : Infinity,
    mostSteps: 8 ** (4 + Math.min(level, 10)),
    distance: 64 * 4 ** level,
  };
}

/** Events between layers that are kept to come back to. */
const betweenCheckpoints = 64;
/** How many changes an explanation begins with. */
const linesBefore = 8;
/** A value that no operation names. */
const anything = -1;
const bytesOfConfiguration = 300;

/**
 * Linearizability of one register without versions. What may have happened so far is kept as a set of configurations, led from event to event: those that look best,
 * for legal histories have many orders and few of them matter. Where none is left although some were dropped, it goes back a little, keeps more, and goes on.
 *
 * A history is legal when the end is reached, and its order then stands the test. It is illegal when none is left and none was ever dropped. That need not begin
 * with the history: `#refutation` begins shortly before the dead end, with configurations that are better than any which can be there.
 */
export class JustInTimeSearch {
  readonly #timeline: Timeline;
  readonly #model: Model<number, RegisterOp>;
  readonly #effort: (level: number) => Effort;
  readonly #frontier: Frontier;
  readonly #checkpoints: Layer[] = [];
  #level = 0;
  /** The furthest dead end. */
  #deadAt = -1;
  /** Of attempts to refute. */
  #spentAside = 0;

  /** `effort` is that of the first way, level 0, and of those after each dead end. */
  constructor(
    model: Model<number, RegisterOp>,
    calls: readonly Call<RegisterOp>[],
    effort: (level: number) => Effort = usualEffort,
  ) {
    this.#model = model;
    this.#effort = effort;
    this.#timeline = new Timeline(calls);
    this.#frontier = new Frontier(this.#timeline);
    this.#setLevel(0);
    const done = new Int32Array((this.#timeline.places + 31) >> 5);
    const crashed = new Int32Array(this.#timeline.crashed.length);
    const first = new Configuration(0, -1, done, crashed, undefined);
    this.#frontier.startFrom({ position: 0, configurations: [first], isComplete: true });
  }

  /** Configurations looked at. */
  get spent(): number {
    return this.#frontier.moves.spent + this.#spentAside;
  }

  /** Bytes of memory that grow with the search. */
  get sizeBytes(): number {
    let configurations = this.#frontier.size;
    for (const layer of this.#checkpoints) configurations += layer.configurations.length;
    return configurations * bytesOfConfiguration;
  }

  /** Goes on for about so many steps. */
  run(steps: number): SearchResult<RegisterOp> {
    const until = this.spent + steps;
    const frontier = this.#frontier;
    const end = this.#timeline.events.length;
    while (frontier.position < end) {
      if (this.spent >= until) return { kind: "running" };
      if (frontier.position % betweenCheckpoints === 0) this.#keep();
      if (!frontier.advance()) {
        const stuck = this.#deadEnd();
        if (stuck !== undefined) return { kind: "illegal", stuck };
      } else if (this.#level > 0 && frontier.position > this.#deadAt + 2 * betweenCheckpoints) this.#setLevel(0);
    }
    return { kind: "legal", order: certify(this.#timeline, frontier.best.trail) };
  }

  #keep(): void {
    if (this.#checkpoints.at(-1)?.position !== this.#frontier.position) this.#checkpoints.push(this.#frontier.layer());
  }

  #setLevel(level: number): void {
    this.#level = level;
    const { width, longestChain, mostSteps } = this.#effort(level);
    this.#frontier.width = width;
    this.#frontier.moves.longestChain = longestChain;
    this.#frontier.moves.mostSteps = mostSteps;
  }

  /** The explanation, if that is the end; otherwise it goes on with more effort. */
  #deadEnd(): Stuck<RegisterOp> | undefined {
    const frontier = this.#frontier;
    if (frontier.isComplete) return this.#explain(frontier);
    this.#deadAt = Math.max(this.#deadAt, frontier.position + 1);
    this.#setLevel(this.#level + 1);
    const { distance } = this.#effort(this.#level);
    const refuted = this.#level < 2 ? undefined : this.#refutation(this.#deadAt - distance);
    if (refuted !== undefined) return refuted;
    while (this.#checkpoints.length > 1 && (this.#checkpoints.at(-1) as Layer).position > this.#deadAt - distance)
      this.#checkpoints.pop();
    frontier.startFrom(this.#checkpoints.at(-1) as Layer);
    return undefined;
  }

  /** Whether nothing leads from `position` to the dead end, wherever it comes from. Undefined also when that is too much to find out. */
  #refutation(position: number): Stuck<RegisterOp> | undefined {
    if (position <= 0) return undefined;
    const aside = new Frontier(this.#timeline);
    const { width, mostSteps } = this.#effort(this.#level);
    aside.width = 16 * width;
    aside.moves.mostSteps = 16 * mostSteps;
    const configurations = this.#allThatCanBe(aside, position);
    if (configurations === undefined) return undefined;
    aside.startFrom({ position, configurations, isComplete: true });
    let alive = true;
    while (alive && aside.isComplete && aside.position < this.#deadAt) alive = aside.advance();
    this.#spentAside += aside.moves.spent;
    return alive || !aside.isComplete ? undefined : this.#explain(aside);
  }

  /**
   * For each value that anything needs from here to the dead end, and for one that nothing needs: all reads under way have taken effect, no write, and any of the
   * compare-and-sets. Whatever can follow where the register really was can follow one of these.
   */
  #allThatCanBe(aside: Frontier, position: number): Configuration[] | undefined {
    const timeline = this.#timeline;
    aside.pending.goTo(position);
    const { pending } = aside;
    const values = new Set([anything]);
    for (const cas of pending.cas) values.add(timeline.needs[cas] as number);
    for (let at = position; at < this.#deadAt; at++) {
      const event = timeline.events[at] as number;
      if (event >= 0 && timeline.kind[event] !== "write") values.add(timeline.needs[event] as number);
    }
    const cas = [...pending.cas];
    // A crashed compare-and-set matters when it leaves one of these. More are found by going on, for a set walks over what is added to it meanwhile.
    for (const value of values)
      for (const of of timeline.crashedCasTo.get(value) ?? [])
        values.add(timeline.needs[(timeline.crashed[of] as readonly number[])[0] as number] as number);
    if (values.size * 2 ** cas.length > aside.width) return undefined;
    const crashed = new Int32Array(timeline.crashed.length);
    const configurations: Configuration[] = [];
    for (const value of values)
      for (let some = 0; some < 1 << cas.length; some++) {
        const configuration = new Configuration(value, position, pending.readPlaces.slice(), crashed, undefined);
        for (let i = 0; i < cas.length; i++)
          if (((some >> i) & 1) === 1) configuration.set(timeline.place[cas[i] as number] as number);
        configurations.push(configuration);
      }
    return configurations;
  }

  /** Goes on as long as there are configurations, also such as have no future: where these end, it can be seen why. */
  #explain(frontier: Frontier): Stuck<RegisterOp> {
    frontier.moves.looksAhead = false;
    const end = this.#timeline.events.length;
    while (frontier.position < end && frontier.advance());
    assert(frontier.position < end, "what is said to have no future has none");
    const { best, pending, position } = frontier;
    const blocked = ~(this.#timeline.events[position] as number);
    const callAt = (call: number) => this.#timeline.calls[call] as Call<RegisterOp>;
    const before: Call<RegisterOp>[] = [];
    for (let change = best.trail; change !== undefined && before.length < linesBefore; change = change.before)
      before.unshift(callAt(change.call));
    const concurrent = [...pending.calls()].filter(
      (call) => call !== blocked && !best.has(this.#timeline.place[call] as number),
    );
    const state = best.value === anything ? "a value that nobody reads" : this.#model.describeState(best.value);
    return { blocked: callAt(blocked), concurrent: concurrent.map(callAt), before, state };
  }
}
