import type { DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest } from "../../proto/mod.ts";
import { SortOrder, SortTarget } from "../../proto/mod.ts";
import { type ByteString, toByteString } from "./byte-string.ts";
import { type Failure, fail } from "./failure.ts";
import { contains, type KeyRange, singleKey } from "./key-range.ts";

// What can be told from a request alone: checked before anything is proposed.

export type RequestFailure = Failure<
  "EmptyKey" | "InvalidSortOption" | "ValueProvided" | "LeaseProvided" | "TooManyOps" | "DuplicateKey" | "KeyNotFound"
>;

const sortOrders: readonly number[] = Object.values(SortOrder);
const sortTargets: readonly number[] = Object.values(SortTarget);

export function checkRangeRequest({ key, sortOrder, sortTarget }: RangeRequest): RequestFailure | undefined {
  if (key.length === 0) return fail("EmptyKey");
  if (!sortOrders.includes(sortOrder) || !sortTargets.includes(sortTarget)) return fail("InvalidSortOption");
  return undefined;
}

export function checkPutRequest({
  key,
  value,
  lease,
  ignoreValue,
  ignoreLease,
}: PutRequest): RequestFailure | undefined {
  if (key.length === 0) return fail("EmptyKey");
  if (ignoreValue && value.length > 0) return fail("ValueProvided");
  if (ignoreLease && lease !== 0n) return fail("LeaseProvided");
  return undefined;
}

export function checkDeleteRangeRequest({ key }: DeleteRangeRequest): RequestFailure | undefined {
  return key.length === 0 ? fail("EmptyKey") : undefined;
}

export function checkTxnRequest(request: TxnRequest, maxOps: number): RequestFailure | undefined {
  return checkOps(request, maxOps) ?? footprint(request.success).failure ?? footprint(request.failure).failure;
}

/** Every level of nesting has what the levels above left of the budget. */
function checkOps({ compare, success, failure }: TxnRequest, budget: number): RequestFailure | undefined {
  const ops = Math.max(compare.length, success.length, failure.length);
  if (ops > budget) return fail("TooManyOps");
  if (compare.some(({ key }) => key.length === 0)) return fail("EmptyKey");
  for (const op of [...success, ...failure]) {
    const found = checkOp(op, budget - ops);
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkOp(op: RequestOp, budget: number): RequestFailure | undefined {
  if (op.requestRange !== undefined) return checkRangeRequest(op.requestRange);
  if (op.requestPut !== undefined) return checkPutRequest(op.requestPut);
  if (op.requestDeleteRange !== undefined) return checkDeleteRangeRequest(op.requestDeleteRange);
  if (op.requestTxn !== undefined) return checkOps(op.requestTxn, budget);
  return fail("KeyNotFound");
}

/** The keys that a list of operations may write. */
interface Footprint {
  readonly puts: ReadonlySet<ByteString>;
  readonly deletes: readonly KeyRange[];
  readonly failure?: RequestFailure;
}

/** No key may be put twice, or put and deleted, by operations that can run together. The branches of one nested
 * transaction cannot, and deletes may overlap. Like etcd, this does not see a key that a nested transaction puts and a
 * later one deletes; the store applies both. */
function footprint(ops: readonly RequestOp[]): Footprint {
  const puts = new Set<ByteString>();
  const deletes: KeyRange[] = [];
  const duplicate: Footprint = { puts, deletes, failure: fail("DuplicateKey") };
  const isTaken = (key: ByteString) => puts.has(key) || deletes.some((range) => contains(range, key));
  for (const { requestDeleteRange } of ops) {
    if (requestDeleteRange !== undefined) deletes.push(deletedRange(requestDeleteRange));
  }
  for (const { requestTxn } of ops) {
    if (requestTxn === undefined) continue;
    const success = footprint(requestTxn.success);
    const failure = footprint(requestTxn.failure);
    if (success.failure !== undefined) return success;
    if (failure.failure !== undefined) return failure;
    const either = new Set([...success.puts, ...failure.puts]);
    for (const key of either) if (isTaken(key)) return duplicate;
    for (const key of either) puts.add(key);
    deletes.push(...success.deletes, ...failure.deletes);
  }
  for (const { requestPut } of ops) {
    if (requestPut === undefined) continue;
    const key = toByteString(requestPut.key);
    if (isTaken(key)) return duplicate;
    puts.add(key);
  }
  return { puts, deletes };
}

function deletedRange({ key, rangeEnd }: DeleteRangeRequest): KeyRange {
  const from = toByteString(key);
  return rangeEnd.length === 0 ? singleKey(from) : { from, to: toByteString(rangeEnd) };
}
