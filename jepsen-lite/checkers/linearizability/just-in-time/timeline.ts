import type { Call } from "../model.ts";
import type { RegisterOp } from "../register.ts";

/** Later than every event. */
export const never = 0x7fff_ffff;

/** No call. */
export const none = -1;

/** Numbers by a value of the register. */
export type ByValue = Map<number, number[]>;

/**
 * A history of one register without versions, laid out as events: positions 0, 1, … are its invocations and returns in order. A crashed operation has no return.
 * What tells nothing is not there: crashed reads, and crashed operations that would change nothing. A compare-and-set to the value that it found is a read.
 */
export class Timeline {
  /** A call's number is its place here, in the order of invocations. */
  readonly calls: readonly Call<RegisterOp>[];
  /** By position: a call's number for its invocation, ~number for its return. */
  readonly events: Int32Array;
  readonly invokedAt: Int32Array;
  /** `never` for a crashed call. */
  readonly returnedAt: Int32Array;
  readonly kind: readonly RegisterOp["kind"][];
  /** What a read saw, what a compare-and-set compares with or missed. */
  readonly needs: Int32Array;
  /** What a write or compare-and-set leaves. */
  readonly leaves: Int32Array;
  /** Of a completed call: a number that no other has while it is under way. */
  readonly place: Int32Array;
  /** So many are under way at once at most. */
  readonly places: number;
  /** Crashed calls that ask for the same, in the order of their invocations: any of them could stand for a later one. */
  readonly crashed: readonly (readonly number[])[];
  readonly crashedClass: Int32Array;
  /** Of crashed calls' classes: writes by what they leave, compare-and-sets by what they need and by what they leave. */
  readonly crashedWrite = new Map<number, number>();
  readonly crashedCas: number[] = [];
  readonly crashedCasTo: ByValue = new Map();
  /** Invocations of whatever could leave a value, in order. */
  readonly #supplies: ByValue = new Map();
  /** Completed calls that need a value, in the order of their invocations; and of each and all after it, the one that returns first. */
  readonly #demands: ByValue = new Map();
  readonly #firstReturn: ByValue = new Map();

  constructor(all: readonly Call<RegisterOp>[]) {
    const calls = all.filter((call) => call.returned !== Infinity || changes(call.op));
    calls.sort((a, b) => a.invoked - b.invoked);
    this.calls = calls;
    const n = calls.length;
    this.kind = calls.map(({ op }) => (op.kind === "cas" && op.expected === op.value ? "read" : op.kind));
    this.needs = Int32Array.from(calls, ({ op }) => (op.kind === "read" ? op.value : op.expected));
    this.leaves = Int32Array.from(calls, ({ op }) => op.value);
    this.invokedAt = new Int32Array(n);
    this.returnedAt = new Int32Array(n).fill(never);
    this.place = new Int32Array(n).fill(none);
    this.crashedClass = new Int32Array(n).fill(none);
    this.events = this.#layOut();
    this.places = this.#givePlaces();
    this.crashed = this.#classify();
    for (let call = 0; call < n; call++) this.#index(call);
    for (const [value, demands] of this.#demands) this.#firstReturn.set(value, this.#firstReturns(demands));
  }

  /** When the value may be left again by something that is not under way at `now`. */
  nextSupply(value: number, now: number): number {
    const calls = this.#supplies.get(value);
    const at = this.#firstAfter(calls, now);
    return at === undefined ? never : (this.invokedAt[at] as number);
  }

  /** Of the calls invoked after `now` that need the value, when the first returns. */
  nextDemand(value: number, now: number): number {
    const calls = this.#demands.get(value);
    if (calls === undefined) return never;
    const at = this.#search(calls, now);
    return at === calls.length ? never : ((this.#firstReturn.get(value) as number[])[at] as number);
  }

  #firstAfter(calls: readonly number[] | undefined, now: number): number | undefined {
    return calls?.[this.#search(calls, now)];
  }

  /** The first place in `calls` that was invoked after `now`. */
  #search(calls: readonly number[], now: number): number {
    let low = 0;
    let high = calls.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.invokedAt[calls[middle] as number] as number) > now) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #layOut(): Int32Array {
    const { calls } = this;
    const returned = (call: number) => (calls[call] as Call<RegisterOp>).returned;
    const byReturn = calls.map((_, call) => call).filter((call) => returned(call) !== Infinity);
    byReturn.sort((a, b) => returned(a) - returned(b));
    const events = new Int32Array(calls.length + byReturn.length);
    for (let at = 0, invoked = 0, ended = 0; at < events.length; at++) {
      const ending = byReturn[ended];
      const beginning = calls[invoked];
      if (ending !== undefined && (beginning === undefined || returned(ending) < beginning.invoked)) {
        events[at] = ~ending;
        this.returnedAt[ending] = at;
        ended++;
      } else {
        events[at] = invoked;
        this.invokedAt[invoked] = at;
        invoked++;
      }
    }
    return events;
  }

  #givePlaces(): number {
    const free: number[] = [];
    let places = 0;
    for (const event of this.events) {
      if (event < 0) free.push(this.place[~event] as number);
      else if (this.returnedAt[event] !== never) this.place[event] = free.pop() ?? places++;
    }
    return places;
  }

  #classify(): number[][] {
    const classes: number[][] = [];
    const known = new Map<string, number>();
    for (let call = 0; call < this.calls.length; call++) {
      if (this.returnedAt[call] !== never) continue;
      const kind = this.kind[call];
      const needs = this.needs[call] as number;
      const leaves = this.leaves[call] as number;
      const asked = kind === "write" ? `${leaves}` : `${needs} ${leaves}`;
      let of = known.get(asked);
      if (of === undefined) {
        of = classes.length;
        known.set(asked, of);
        classes.push([]);
        if (kind === "write") this.crashedWrite.set(leaves, of);
        else {
          this.crashedCas.push(of);
          push(this.crashedCasTo, leaves, of);
        }
      }
      (classes[of] as number[]).push(call);
      this.crashedClass[call] = of;
    }
    return classes;
  }

  #index(call: number): void {
    const kind = this.kind[call];
    if (kind === "write" || kind === "cas") push(this.#supplies, this.leaves[call] as number, call);
    if ((kind === "read" || kind === "cas") && this.returnedAt[call] !== never)
      push(this.#demands, this.needs[call] as number, call);
  }

  #firstReturns(calls: readonly number[]): number[] {
    const first = calls.map((call) => this.returnedAt[call] as number);
    for (let i = first.length - 2; i >= 0; i--) first[i] = Math.min(first[i] as number, first[i + 1] as number);
    return first;
  }
}

function changes(op: RegisterOp): boolean {
  return op.kind === "write" || (op.kind === "cas" && op.expected !== op.value);
}

function push(map: ByValue, value: number, item: number): void {
  const list = map.get(value);
  if (list === undefined) map.set(value, [item]);
  else list.push(item);
}
