import { none } from "./timeline.ts";

/** One change of the register in the order that a configuration stands for. */
export interface Change {
  readonly before: Change | undefined;
  readonly call: number;
  readonly isWrite: boolean;
  /** It takes effect just before the event at this position. */
  readonly at: number;
  /**
   * Where among those that do so then: after all so far; or `hidden`, directly before the last plain write; or `onwards`, from the value that this overwrote, so
   * before whatever is hidden.
   */
  readonly where: "last" | "hidden" | "onwards";
}

/**
 * A way in which the operations so far may have taken effect, as far as it matters for what comes.
 *
 * `slot` is what makes this small. A write that nobody reads can stand directly before any other plain write: it is overwritten at once. So a write is not given a
 * place when it may, but stays a supply of its value for as long as it is under way. When it returns unused, or when a read wants its value, it can still be put
 * before the last plain write, if that took effect after its invocation: at the slot.
 */
export class Configuration {
  value: number;
  /** Position of the event before which the last plain write took effect. */
  slot: number;
  /** What that write overwrote, but for what is hidden. */
  overwritten = none;
  /** By place, for calls under way: whether they have taken effect. */
  readonly done: Int32Array;
  /** How many of each class of crashed calls have: the first so many. Shared, never changed. */
  crashed: Int32Array;
  /** How many crashed calls have in all. */
  crashedUsed = 0;
  trail: Change | undefined;

  constructor(value: number, slot: number, done: Int32Array, crashed: Int32Array, trail: Change | undefined) {
    this.value = value;
    this.slot = slot;
    this.done = done;
    this.crashed = crashed;
    this.trail = trail;
  }

  copy(): Configuration {
    const copy = new Configuration(this.value, this.slot, this.done.slice(), this.crashed, this.trail);
    copy.overwritten = this.overwritten;
    copy.crashedUsed = this.crashedUsed;
    return copy;
  }

  has(place: number): boolean {
    return ((this.done[place >> 5] as number) & (1 << (place & 31))) !== 0;
  }

  set(place: number): void {
    this.done[place >> 5] = (this.done[place >> 5] as number) | (1 << (place & 31));
  }

  clear(place: number): void {
    this.done[place >> 5] = (this.done[place >> 5] as number) & ~(1 << (place & 31));
  }
}
