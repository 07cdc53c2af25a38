import { compareBytes } from "../../base/mod.ts";

/** Keys from `from` up to, but not including, `to`; `to` undefined has no end. */
export interface KeyInterval {
  readonly from: Uint8Array;
  readonly to: Uint8Array | undefined;
}

/** What a request or a permission names: no `rangeEnd` is the one key, a single zero byte everything from `key` on. */
export function keyInterval(key: Uint8Array, rangeEnd: Uint8Array): KeyInterval {
  if (rangeEnd.length === 0) return { from: key, to: successor(key) };
  return { from: key, to: isOpenEnd(rangeEnd) ? undefined : rangeEnd };
}

/** Whether a permission may be granted on it: it must hold a key. */
export function isValidPermissionRange(key: Uint8Array, rangeEnd: Uint8Array): boolean {
  if (key.length === 0) return false;
  return rangeEnd.length === 0 || isOpenEnd(rangeEnd) || compareBytes(key, rangeEnd) < 0;
}

/** The keys of many intervals, as the fewest that hold the same: sorted, and neither overlapping nor touching. */
export class IntervalUnion {
  readonly #intervals: readonly KeyInterval[];

  constructor(intervals: readonly KeyInterval[]) {
    const merged: KeyInterval[] = [];
    for (const next of [...intervals].sort((a, b) => compareBytes(a.from, b.from))) {
      const last = merged.at(-1);
      if (last === undefined || isBefore(last.to, next.from)) merged.push(next);
      else if (compareEnds(next.to, last.to) > 0) merged[merged.length - 1] = { from: last.from, to: next.to };
    }
    this.#intervals = merged;
  }

  /** Whether both ends lie in one of the intervals, and with them all between. A range that ends before it begins, which a
   * request may name and which holds nothing, is no exception. */
  covers({ from, to }: KeyInterval): boolean {
    const found = this.#lastFrom(from);
    if (found === undefined || (found.to !== undefined && compareBytes(found.to, from) <= 0)) return false;
    return compareEnds(to, found.to) <= 0 && (to === undefined || compareBytes(to, found.from) > 0);
  }

  /** The last interval that begins at `key` or before. */
  #lastFrom(key: Uint8Array): KeyInterval | undefined {
    let low = 0;
    let high = this.#intervals.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareBytes((this.#intervals[middle] as KeyInterval).from, key) <= 0) low = middle + 1;
      else high = middle;
    }
    return this.#intervals[low - 1];
  }
}

function isOpenEnd(rangeEnd: Uint8Array): boolean {
  return rangeEnd.length === 1 && rangeEnd[0] === 0;
}

/** The least key behind this one. */
function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

function isBefore(end: Uint8Array | undefined, key: Uint8Array): boolean {
  return end !== undefined && compareBytes(end, key) < 0;
}

function compareEnds(a: Uint8Array | undefined, b: Uint8Array | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return compareBytes(a, b);
}
