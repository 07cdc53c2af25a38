import type { Timeline } from "./timeline.ts";

const empty: readonly number[] = [];

/** Calls by a value, those that return first in front. */
class Sorted {
  readonly #lists = new Map<number, number[]>();
  readonly #returnedAt: Int32Array;

  constructor(returnedAt: Int32Array) {
    this.#returnedAt = returnedAt;
  }

  of(value: number): readonly number[] {
    return this.#lists.get(value) ?? empty;
  }

  add(value: number, call: number): void {
    const list = this.#lists.get(value);
    if (list === undefined) {
      this.#lists.set(value, [call]);
      return;
    }
    const returned = this.#returnedAt[call] as number;
    let at = list.length;
    while (at > 0 && (this.#returnedAt[list[at - 1] as number] as number) > returned) at--;
    list.splice(at, 0, call);
  }

  delete(value: number, call: number): void {
    const list = this.#lists.get(value) as number[];
    if (list.length === 1) this.#lists.delete(value);
    else list.splice(list.indexOf(call), 1);
  }

  values(): Iterable<number> {
    return this.#lists.keys();
  }
}

/** The completed calls that are under way at one moment of a timeline, found by their values. It can go forth and back in time. */
export class Pending {
  readonly reads: Sorted;
  /** Compare-and-sets that found something else, by what they did not find. */
  readonly missed: Sorted;
  /** By what they leave. */
  readonly writes: Sorted;
  readonly casFrom: Sorted;
  readonly casTo: Sorted;
  readonly cas = new Set<number>();
  /** Bits of the places: which are those of reads and of compare-and-sets that missed, of writes, of compare-and-sets. */
  readonly readPlaces: Int32Array;
  readonly writePlaces: Int32Array;
  readonly casPlaces: Int32Array;
  /** By place. */
  readonly callAt: Int32Array;
  readonly #timeline: Timeline;
  #position = 0;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
    this.reads = new Sorted(timeline.returnedAt);
    this.missed = new Sorted(timeline.returnedAt);
    this.writes = new Sorted(timeline.returnedAt);
    this.casFrom = new Sorted(timeline.returnedAt);
    this.casTo = new Sorted(timeline.returnedAt);
    const words = (timeline.places + 31) >> 5;
    this.readPlaces = new Int32Array(words);
    this.writePlaces = new Int32Array(words);
    this.casPlaces = new Int32Array(words);
    this.callAt = new Int32Array(timeline.places);
  }

  /** Events before this position have been. */
  get position(): number {
    return this.#position;
  }

  /** All of them. */
  *calls(): Generator<number> {
    for (let place = 0; place < this.callAt.length; place++) {
      const word = place >> 5;
      const taken =
        (this.readPlaces[word] as number) | (this.writePlaces[word] as number) | (this.casPlaces[word] as number);
      if ((taken & (1 << (place & 31))) !== 0) yield this.callAt[place] as number;
    }
  }

  goTo(position: number): void {
    while (this.#position < position) this.#pass(this.#timeline.events[this.#position++] as number, true);
    while (this.#position > position) this.#pass(this.#timeline.events[--this.#position] as number, false);
  }

  #pass(event: number, forth: boolean): void {
    const call = event < 0 ? ~event : event;
    const { kind, needs, leaves, place } = this.#timeline;
    const at = place[call] as number;
    if (at < 0) return;
    const needed = needs[call] as number;
    const left = leaves[call] as number;
    const change = event >= 0 === forth ? "add" : "delete";
    if (change === "add") this.callAt[at] = call;
    switch (kind[call]) {
      case "read":
        this.reads[change](needed, call);
        flip(this.readPlaces, at);
        break;
      case "missed":
        this.missed[change](needed, call);
        flip(this.readPlaces, at);
        break;
      case "write":
        this.writes[change](left, call);
        flip(this.writePlaces, at);
        break;
      case "cas":
        this.cas[change](call);
        this.casFrom[change](needed, call);
        this.casTo[change](left, call);
        flip(this.casPlaces, at);
        break;
    }
  }
}

function flip(bits: Int32Array, at: number): void {
  bits[at >> 5] = (bits[at >> 5] as number) ^ (1 << (at & 31));
}
