import type { Configuration } from "./configuration.ts";
import { Moves } from "./moves.ts";
import { Pending } from "./pending.ts";
import { none, type Timeline } from "./timeline.ts";

/** Configurations at one position of a timeline. */
export interface Layer {
  readonly position: number;
  readonly configurations: readonly Configuration[];
  /** Whether these are, or are better than, all that there can be at this position: when none is left of such a layer, the history is illegal. */
  readonly isComplete: boolean;
}

/** The configurations that the events so far allow, led through the timeline event by event. */
export class Frontier {
  /** So many configurations are kept, those that look best. */
  width = 1;
  readonly pending: Pending;
  readonly moves: Moves;
  readonly #timeline: Timeline;
  #configurations: Configuration[] = [];
  #isComplete = true;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
    this.pending = new Pending(timeline);
    this.moves = new Moves(timeline, this.pending);
  }

  get position(): number {
    return this.pending.position;
  }

  get size(): number {
    return this.#configurations.length;
  }

  get isComplete(): boolean {
    return this.#isComplete;
  }

  get best(): Configuration {
    return this.#configurations[0] as Configuration;
  }

  layer(): Layer {
    return {
      position: this.position,
      configurations: this.#configurations.map((configuration) => configuration.copy()),
      isComplete: this.#isComplete,
    };
  }

  startFrom({ position, configurations, isComplete }: Layer): void {
    this.pending.goTo(position);
    this.#configurations = configurations.map((configuration) => configuration.copy());
    this.#isComplete = isComplete;
  }

  /** Passes the next event. When nothing would be left, it stays before it, and says false. */
  advance(): boolean {
    const now = this.position;
    const event = this.#timeline.events[now] as number;
    if (event < 0) {
      const call = ~event;
      const place = this.#timeline.place[call] as number;
      if (!this.#return(call, place, now)) return false;
      for (const configuration of this.#configurations) configuration.clear(place);
      this.moves.spent += this.#configurations.length;
    } else if (this.#timeline.place[event] !== none) {
      for (const configuration of this.#configurations) this.moves.invoke(configuration, event);
    }
    this.pending.goTo(now + 1);
    return true;
  }

  #return(call: number, place: number, now: number): boolean {
    if (this.#configurations.every((configuration) => configuration.has(place))) return true;
    const next: Configuration[] = [];
    this.moves.incomplete = false;
    for (const configuration of this.#configurations) {
      if (configuration.has(place)) this.#insert(next, configuration);
      else for (const after of this.moves.before(configuration, call, now)) this.#insert(next, after);
    }
    if (this.moves.incomplete) this.#isComplete = false;
    if (next.length === 0) return false;
    if (next.length > this.width) {
      this.#isComplete = false;
      this.#configurations = this.#bestOf(next);
    } else this.#configurations = next;
    return true;
  }

  /** Unless there is one that is as good; without those that are no better. */
  #insert(into: Configuration[], configuration: Configuration): void {
    let kept = 0;
    for (let i = 0; i < into.length; i++) {
      const other = into[i] as Configuration;
      if (kept === i && this.#isAsGood(other, configuration)) return;
      if (!this.#isAsGood(configuration, other)) into[kept++] = other;
    }
    into.length = kept;
    into.push(configuration);
    this.moves.spent += into.length >> 1;
  }

  /**
   * Whether whatever can follow `b` can follow `a`: there, no fewer reads have taken effect, and each write that has not has either not in `b` or can still be
   * hidden.
   */
  #isAsGood(a: Configuration, b: Configuration): boolean {
    if (a.value !== b.value || a.slot < b.slot || a.crashedUsed > b.crashedUsed) return false;
    const { writePlaces, casPlaces, callAt } = this.pending;
    for (let word = 0; word < a.done.length; word++) {
      const ofA = a.done[word] as number;
      const ofB = b.done[word] as number;
      const differ = ofA ^ ofB;
      if (differ === 0) continue;
      const writes = writePlaces[word] as number;
      const swaps = casPlaces[word] as number;
      if ((differ & swaps) !== 0 || (differ & ofA & writes) !== 0 || (differ & ofB & ~writes) !== 0) return false;
      for (let rest = differ & writes; rest !== 0; rest &= rest - 1) {
        const place = (word << 5) + 31 - Math.clz32(rest & -rest);
        if ((this.#timeline.invokedAt[callAt[place] as number] as number) > a.slot) return false;
      }
    }
    if (a.crashed === b.crashed) return true;
    for (let of = 0; of < a.crashed.length; of++)
      if ((a.crashed[of] as number) > (b.crashed[of] as number)) return false;
    return true;
  }

  #bestOf(configurations: Configuration[]): Configuration[] {
    const scored = configurations.map((configuration) => ({ configuration, score: this.#score(configuration) }));
    scored.sort((a, b) => b.score - a.score);
    return scored.slice(0, this.width).map(({ configuration }) => configuration);
  }

  #score(configuration: Configuration): number {
    const { writePlaces } = this.pending;
    let score = -configuration.crashedUsed;
    for (let word = 0; word < configuration.done.length; word++) {
      const done = configuration.done[word] as number;
      const writes = writePlaces[word] as number;
      score += bitCount(done & ~writes) - bitCount(done & writes);
    }
    return score;
  }
}

function bitCount(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555);
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333);
  return (Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24) & 0xff;
}
