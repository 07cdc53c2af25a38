import { assert } from "../../base/mod.ts";
import type { RangeRequest, RequestOp, TxnRequest } from "../../proto/mod.ts";
import type { TxnAnswer, TxnOpAnswer } from "./answers.ts";
import { holds } from "./compare.ts";
import { deleteRange } from "./delete-range.ts";
import { type Failure, fail, isFailure } from "./failure.ts";
import { checkPut, put } from "./put.ts";
import { range } from "./range.ts";
import type { LeaseItems, ReadView, WriteView } from "./store.ts";

export type TxnFailure = Failure<"Compacted" | "FutureRev" | "LeaseNotFound" | "KeyNotFound">;

/** Which way a transaction goes, with all that are nested in that branch. */
interface Path {
  readonly succeeded: boolean;
  readonly ops: readonly RequestOp[];
  /** One per nested transaction among `ops`, in order. */
  readonly nested: readonly Path[];
}

/** Chooses all branches, checks all operations on them, and only then runs them: whatever a nested transaction compares,
 * it is the state before the whole; and a transaction that fails has done nothing. */
export function txn(
  request: TxnRequest,
  view: ReadView,
  leases: LeaseItems,
  write: (run: (view: WriteView) => TxnAnswer) => TxnAnswer,
): TxnAnswer | TxnFailure {
  const path = choosePath(view, request);
  const failure = check(view, leases, path);
  if (failure !== undefined) return failure;
  return write((writeView) => {
    const responses = run(writeView, path);
    return { header: { revision: writeView.revision }, succeeded: path.succeeded, responses };
  });
}

/** Nothing but ranges: need not go through the log. A nested transaction counts as a write. */
export function isReadonly({ success, failure }: TxnRequest): boolean {
  return [success, failure].every((ops) => ops.every(({ requestRange }) => requestRange !== undefined));
}

/** All its ranges are serializable, so it needs no quorum either. */
export function isSerializable({ success, failure }: TxnRequest): boolean {
  return [success, failure].every((ops) => ops.every(({ requestRange }) => requestRange?.serializable === true));
}

function choosePath(view: ReadView, { compare, success, failure }: TxnRequest): Path {
  const succeeded = compare.every((one) => holds(view, one));
  const ops = succeeded ? success : failure;
  const nested: Path[] = [];
  for (const { requestTxn } of ops) if (requestTxn !== undefined) nested.push(choosePath(view, requestTxn));
  return { succeeded, ops, nested };
}

function check(view: ReadView, leases: LeaseItems, { ops, nested }: Path): TxnFailure | undefined {
  let next = 0;
  for (const { requestRange, requestPut, requestTxn } of ops) {
    let failure: TxnFailure | undefined;
    if (requestRange !== undefined) failure = checkRange(view, requestRange);
    else if (requestPut !== undefined) failure = checkPut(view, leases, requestPut);
    else if (requestTxn !== undefined) failure = check(view, leases, nested[next++] as Path);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** Unlike a range of its own, one in a transaction takes a negative revision at its word. */
function checkRange(view: ReadView, { revision }: RangeRequest): Failure<"Compacted" | "FutureRev"> | undefined {
  if (revision === 0) return undefined;
  if (revision > view.revision) return fail("FutureRev");
  return revision < view.compactRevision ? fail("Compacted") : undefined;
}

function run(view: WriteView, { ops, nested }: Path): TxnOpAnswer[] {
  let next = 0;
  return ops.map(({ requestRange, requestPut, requestDeleteRange, requestTxn }): TxnOpAnswer => {
    if (requestPut !== undefined) return { responsePut: put(view, requestPut) };
    if (requestDeleteRange !== undefined) return { responseDeleteRange: deleteRange(view, requestDeleteRange) };
    if (requestRange !== undefined) {
      const responseRange = range(view, requestRange);
      assert(!isFailure(responseRange), "a range was checked before the transaction began");
      return { responseRange };
    }
    assert(requestTxn !== undefined, "requests were checked to hold an operation each");
    const path = nested[next++] as Path;
    return { responseTxn: { header: {}, succeeded: path.succeeded, responses: run(view, path) } };
  });
}
