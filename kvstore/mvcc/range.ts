import { compareBytes } from "../../base/mod.ts";
import type { RangeRequest } from "../../proto/mod.ts";
import { SortOrder, SortTarget } from "../../proto/mod.ts";
import type { AnswerHeader } from "./answers.ts";
import { toByteString } from "./byte-string.ts";
import { type Failure, isFailure } from "./failure.ts";
import { type KeyRange, keyRange } from "./key-range.ts";
import { type ParsedRecord, parseRecord, type Record, valueIn, withoutValue, withoutValueAndLease } from "./record.ts";
import type { RangeResult, RangeSlice, ReadView, Store } from "./store.ts";

export interface RangeAnswer {
  readonly header: AnswerHeader;
  readonly kvs: readonly Record[];
  readonly more: boolean;
  readonly count: number;
}

/** Answers a Range request as etcd does, with these of its habits: `count` ignores the limit and the filters; the limit
 * is applied while reading only when neither a filter nor a sort needs everything; and a sort target with order NONE
 * sorts, but ascending and only what the limit let through. */
export function range(view: ReadView, request: RangeRequest): RangeAnswer | Failure<"Compacted" | "FutureRev"> {
  view.noteRange();
  const found = read(view, request);
  return isFailure(found) ? found : answer(request, found, view.revision);
}

/** Keys that a slice looks at: a fraction of a millisecond, also where their records have to come from the disk. */
const sliceKeys = 1000;
/** Reads that look at more keys than this are made in slices. */
const oneGoKeys = 10_000;

/** Whether a range is too much for one go. */
export function isLargeRange(store: Store, request: RangeRequest): boolean {
  const { key, rangeEnd, revision, limit, countOnly } = request;
  if (rangeEnd.length === 0) return false;
  // As of now, counting costs next to nothing, and a limited read looks at no more keys than that.
  const isNow = revision <= 0 || revision === store.revision;
  if (isNow && (countOnly || (limit > 0 && limit < oneGoKeys && isNatural(request) && !hasFilter(request))))
    return false;
  return store.countNow(keyRange(key, rangeEnd)) > oneGoKeys;
}

/** As `range`, with the loop free between slices: what is read is the state of one revision all the same. `store` is asked for
 * after each `pause`, during which it may have been replaced, or compacted: what reads the newest revision then starts over. */
export async function rangeInSlices(
  store: () => Store,
  request: RangeRequest,
  pause: () => Promise<void>,
): Promise<RangeAnswer | Failure<"Compacted" | "FutureRev">> {
  store().noteRange();
  for (;;) {
    const at = request.revision > 0 ? request.revision : store().revision;
    const found = await readInSlices(store, request, at, pause);
    if (!isFailure(found)) return answer(request, found, request.revision > 0 ? store().revision : at);
    if (request.revision > 0) return found;
  }
}

/** The first part of a range at revision `at`, as a client sees it that wants keys only, or counts. */
export function rangeSlice(
  store: Store,
  { keysOnly, countOnly }: RangeRequest,
  keys: KeyRange,
  at: number,
  keysAtMost: number,
): RangeSlice | Failure<"Compacted" | "FutureRev"> {
  const slice = store.slice(keys, at, keysAtMost, countOnly);
  if (isFailure(slice) || !keysOnly) return slice;
  return { ...slice, records: slice.records.map(withoutValueAndLease) };
}

async function readInSlices(
  store: () => Store,
  { key, rangeEnd, countOnly }: RangeRequest,
  at: number,
  pause: () => Promise<void>,
): Promise<RangeResult | Failure<"Compacted" | "FutureRev">> {
  const records: Record[] = [];
  let count = 0;
  for (let keys = keyRange(key, rangeEnd); ; await pause()) {
    const slice = store().slice(keys, at, sliceKeys, countOnly);
    if (isFailure(slice)) return slice;
    for (const record of slice.records) records.push(record);
    count += slice.count;
    if (slice.next === undefined) return { records, count };
    keys = { from: slice.next, to: keys.to };
  }
}

function answer(request: RangeRequest, found: RangeResult, revision: number): RangeAnswer {
  const { limit, keysOnly, countOnly } = request;
  const header = { revision };
  if (countOnly) return { header, kvs: [], more: false, count: found.count };
  let records = sorted(filtered(found.records, request), request);
  const more = limit > 0 && records.length > limit;
  if (more) records = records.slice(0, limit);
  if (keysOnly) records = records.map(request.sortTarget === SortTarget.VALUE ? withoutValue : withoutValueAndLease);
  return { header, kvs: records, more, count: found.count };
}

function read(view: ReadView, request: RangeRequest): RangeResult | Failure<"Compacted" | "FutureRev"> {
  const { key, rangeEnd, revision, limit, countOnly } = request;
  // Most reads are of one key as it is now.
  if (rangeEnd.length === 0 && revision <= 0) {
    const entry = view.get(toByteString(key));
    return entry === undefined ? { records: [], count: 0 } : { records: [view.recordOf(entry)], count: 1 };
  }
  const readAll = !isNatural(request) || hasFilter(request);
  return view.range(keyRange(key, rangeEnd), {
    at: revision,
    limit: readAll || limit <= 0 ? 0 : limit + 1,
    countOnly,
  });
}

function isNatural({ sortOrder, sortTarget }: RangeRequest): boolean {
  return sortOrder === SortOrder.NONE || (sortTarget === SortTarget.KEY && sortOrder === SortOrder.ASCEND);
}

function hasFilter(request: RangeRequest): boolean {
  return (
    request.minModRevision !== 0 ||
    request.maxModRevision !== 0 ||
    request.minCreateRevision !== 0 ||
    request.maxCreateRevision !== 0
  );
}

function filtered(records: readonly Record[], request: RangeRequest): readonly Record[] {
  if (!hasFilter(request)) return records;
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  return records.filter((record) => {
    const { modRevision, createRevision } = parseRecord(record);
    return (
      (minModRevision === 0 || modRevision >= minModRevision) &&
      (maxModRevision === 0 || modRevision <= maxModRevision) &&
      (minCreateRevision === 0 || createRevision >= minCreateRevision) &&
      (maxCreateRevision === 0 || createRevision <= maxCreateRevision)
    );
  });
}

function sorted(records: readonly Record[], { sortOrder, sortTarget }: RangeRequest): readonly Record[] {
  if (sortTarget === SortTarget.KEY && sortOrder !== SortOrder.DESCEND) return records;
  const compare = comparisons[sortTarget];
  const sign = sortOrder === SortOrder.DESCEND ? -1 : 1;
  const parsed = records.map(parseRecord).sort((a, b) => sign * compare(a, b));
  return parsed.map(({ record }) => record);
}

const comparisons: { readonly [Target in SortTarget]: (a: ParsedRecord, b: ParsedRecord) => number } = {
  [SortTarget.KEY]: (a, b) => compareText(a.key, b.key),
  [SortTarget.VERSION]: (a, b) => a.version - b.version,
  [SortTarget.CREATE]: (a, b) => a.createRevision - b.createRevision,
  [SortTarget.MOD]: (a, b) => a.modRevision - b.modRevision,
  [SortTarget.VALUE]: (a, b) => compareBytes(valueIn(a), valueIn(b)),
};

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
