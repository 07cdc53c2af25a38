import type { Encoded, KeyValue, RangeRequest } from "../../proto/mod.ts";
import { SortOrder, SortTarget } from "../../proto/mod.ts";
import type { AnswerHeader } from "./answers.ts";
import { toByteString } from "./byte-string.ts";
import { type Failure, isFailure } from "./failure.ts";
import { keyRange } from "./key-range.ts";
import {
  encoded,
  type ParsedRecord,
  parseRecord,
  type Record,
  valueIn,
  withoutValue,
  withoutValueAndLease,
} from "./record.ts";
import type { RangeResult, ReadView } from "./store.ts";

export interface RangeAnswer {
  readonly header: AnswerHeader;
  readonly kvs: readonly Encoded<KeyValue>[];
  readonly more: boolean;
  readonly count: number;
}

/** Answers a Range request as etcd does, with these of its habits: `count` ignores the limit and the filters; the limit
 * is applied while reading only when neither a filter nor a sort needs everything; and a sort target with order NONE
 * sorts, but ascending and only what the limit let through. */
export function range(view: ReadView, request: RangeRequest): RangeAnswer | Failure<"Compacted" | "FutureRev"> {
  const { limit, keysOnly, countOnly } = request;
  const found = read(view, request);
  if (isFailure(found)) return found;
  const header = { revision: view.revision };
  if (countOnly) return { header, kvs: [], more: false, count: found.count };
  let records = sorted(filtered(found.records, request), request);
  const more = limit > 0 && records.length > limit;
  if (more) records = records.slice(0, limit);
  if (keysOnly) records = records.map(request.sortTarget === SortTarget.VALUE ? withoutValue : withoutValueAndLease);
  return { header, kvs: records.map(encoded), more, count: found.count };
}

function read(view: ReadView, request: RangeRequest): RangeResult | Failure<"Compacted" | "FutureRev"> {
  const { key, rangeEnd, revision, limit, countOnly } = request;
  // Most reads are of one key as it is now.
  if (rangeEnd.length === 0 && revision <= 0) {
    const record = view.get(toByteString(key))?.record;
    return record === undefined ? { records: [], count: 0 } : { records: [record], count: 1 };
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
  [SortTarget.VALUE]: (a, b) => compareText(valueIn(a), valueIn(b)),
};

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
