import { compareBytes } from "../../base/mod.ts";
import { type Compare, CompareResult, CompareTarget } from "../../proto/mod.ts";
import { toByteString } from "./byte-string.ts";
import type { KeyIndex } from "./key-index.ts";
import { keyRange } from "./key-range.ts";
import { parseRecord, valueIn } from "./record.ts";
import type { ReadView } from "./store.ts";

const noValue = new Uint8Array(0);

/** Whether every key the comparison names satisfies it. Keys that are not there are compared once, as zeros; a value
 * that is not there satisfies nothing, not even NOT_EQUAL. */
export function holds(view: ReadView, compare: Compare): boolean {
  if (compare.rangeEnd.length === 0) return holdsFor(view, compare, view.get(toByteString(compare.key)));
  let found = false;
  let holdsForAll = true;
  view.visit(keyRange(compare.key, compare.rangeEnd), (entry) => {
    found = true;
    holdsForAll = holdsFor(view, compare, entry);
    return holdsForAll;
  });
  return found ? holdsForAll : holdsFor(view, compare, undefined);
}

function holdsFor(view: ReadView, compare: Compare, entry: KeyIndex | undefined): boolean {
  switch (compare.target) {
    case CompareTarget.VALUE: {
      if (entry === undefined) return false;
      const value = valueIn(parseRecord(view.recordOf(entry)));
      return satisfies(compare.result, compareBytes(value, compare.value ?? noValue));
    }
    case CompareTarget.LEASE:
      return satisfies(compare.result, order(entry?.lease ?? 0n, compare.lease ?? 0n));
    case CompareTarget.VERSION:
      return satisfies(compare.result, order(entry?.version ?? 0, compare.version ?? 0));
    case CompareTarget.CREATE:
      return satisfies(compare.result, order(entry?.created ?? 0, compare.createRevision ?? 0));
    case CompareTarget.MOD:
      return satisfies(compare.result, order(entry?.main ?? 0, compare.modRevision ?? 0));
    default:
      // An unknown target of an open enum compares nothing.
      return satisfies(compare.result, 0);
  }
}

function satisfies(result: CompareResult, order: number): boolean {
  switch (result) {
    case CompareResult.EQUAL:
      return order === 0;
    case CompareResult.NOT_EQUAL:
      return order !== 0;
    case CompareResult.GREATER:
      return order > 0;
    case CompareResult.LESS:
      return order < 0;
    default:
      // As etcd has it, an unknown result holds.
      return true;
  }
}

function order<T extends number | bigint>(a: T, b: T): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
