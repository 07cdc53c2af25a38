import {
  type EtcdErrorName,
  KVService,
  type RangeRequest,
  type RangeResponse,
  type TxnRequest,
  type TxnResponse,
} from "../../proto/mod.ts";
import {
  type CompactionAnswer,
  checkDeleteRangeRequest,
  checkPutRequest,
  checkRangeRequest,
  checkTxnRequest,
  type DeleteRangeAnswer,
  type Failure,
  fail,
  isFailure,
  isLargeRange,
  isTxnReadonly,
  isTxnSerializable,
  type PutAnswer,
  type RangeAnswer,
  rangeInSlices,
  type TxnAnswer,
} from "../mvcc/mod.ts";
import type { Member } from "../server/member.ts";
import { defaults } from "../server/options.ts";
import type { Access } from "./access.ts";
import { failCall } from "./answer.ts";
import { failureToRpcError, rpcError } from "./errors.ts";
import { type Implementation, implement, type UnaryCall } from "./grpc/mod.ts";
import type { Headers } from "./headers.ts";
import { putCost, type Quota, txnCost } from "./quota.ts";
import { replyRange } from "./range-reply.ts";
import { streamRange } from "./range-stream.ts";

/**
 * The KV service. A write is checked, goes into the log, and is answered when it was applied here; a read is answered from the
 * state here, once a quorum has confirmed that it is new enough. No promise is made per request on these paths.
 */
export function kvService(member: Member, headers: Headers, quota: Quota, access: Access): Implementation {
  const ranges = member.metrics.rangeSeconds.with("true");
  const failedRanges = member.metrics.rangeSeconds.with("false");
  const maxTxnOps = member.options.maxTxnOps ?? defaults.maxTxnOps;

  const refuse = (failure: EtcdErrorName): never => {
    throw rpcError(failure);
  };

  /** Calls `read` when the state here may be read from; else ends the call. The alarm CORRUPT refuses what is applied, not reads. */
  function whenReadable(
    call: UnaryCall<never> | UnaryCall<RangeResponse> | UnaryCall<TxnResponse>,
    serializable: boolean,
    read: () => void,
  ): void {
    if (serializable) {
      read();
      return;
    }
    if (member.isLearner) refuse("NotSupportedForLearner");
    member.linearizable((failure) => {
      if (failure !== undefined) failCall(call, fail(failure));
      else if (!call.cancelled) read();
    });
  }

  function range(request: RangeRequest, call: UnaryCall<RangeResponse>): void {
    const denied = access.range(call, request.key, request.rangeEnd);
    const { applier, store } = member.state;
    if (denied !== undefined) failCall(call, denied);
    else if (isLargeRange(store, request)) largeRange(request, call).catch((error: unknown) => member.fail(error));
    else {
      const startMs = member.clock.monotonic();
      const found = applier.range(request);
      (isFailure(found) ? failedRanges : ranges).observe((member.clock.monotonic() - startMs) / 1000);
      answerRange(found, call);
    }
  }

  async function largeRange(request: RangeRequest, call: UnaryCall<RangeResponse>): Promise<void> {
    const pause = () => new Promise<void>((resolve) => member.world.defer(resolve));
    answerRange(await rangeInSlices(() => member.state.store, request, pause), call);
  }

  function answerRange(found: RangeAnswer | Failure<EtcdErrorName>, call: UnaryCall<RangeResponse>): void {
    if (isFailure(found)) failCall(call, found);
    else replyRange(call, found, headers.at(found.header.revision));
  }

  function txnAnswer(answer: TxnAnswer, call: UnaryCall<TxnResponse>): void {
    call.reply({ ...answer, header: headers.at(answer.header.revision ?? 0) });
  }

  function readTxn(request: TxnRequest, call: UnaryCall<TxnResponse>): void {
    const answer = access.readTxn(call, request) ?? member.state.applier.txn(request);
    if (isFailure(answer)) failCall(call, answer);
    else txnAnswer(answer, call);
  }

  return implement(KVService, {
    range(request, call) {
      const wrong = checkRangeRequest(request);
      if (wrong !== undefined) throw failureToRpcError(wrong);
      whenReadable(call, request.serializable, () => range(request, call));
    },

    rangeStream: (request, call) => streamRange(member, headers, access, request, call),

    put(request, call) {
      const wrong = checkPutRequest(request);
      if (wrong !== undefined) throw failureToRpcError(wrong);
      if (!quota.admits(putCost(request))) {
        quota.refuse(() => failCall(call, fail("NoSpace")));
        return;
      }
      const done = (outcome: PutAnswer | Failure<EtcdErrorName>) => {
        if (isFailure(outcome)) failCall(call, outcome);
        else call.reply({ header: headers.at(outcome.header.revision), prevKv: outcome.prevKv });
      };
      member.propose("put", request, done, access.caller(call));
    },

    deleteRange(request, call) {
      const wrong = checkDeleteRangeRequest(request);
      if (wrong !== undefined) throw failureToRpcError(wrong);
      const done = (outcome: DeleteRangeAnswer | Failure<EtcdErrorName>) => {
        if (isFailure(outcome)) failCall(call, outcome);
        else call.reply({ ...outcome, header: headers.at(outcome.header.revision) });
      };
      member.propose("deleteRange", request, done, access.caller(call));
    },

    txn(request, call) {
      const wrong = checkTxnRequest(request, maxTxnOps);
      if (wrong !== undefined) throw failureToRpcError(wrong);
      if (isTxnReadonly(request)) {
        whenReadable(call, isTxnSerializable(request), () => readTxn(request, call));
        return;
      }
      if (!quota.admits(txnCost(request))) {
        quota.refuse(() => failCall(call, fail("NoSpace")));
        return;
      }
      const done = (outcome: TxnAnswer | Failure<EtcdErrorName>) => {
        if (isFailure(outcome)) failCall(call, outcome);
        else txnAnswer(outcome, call);
      };
      member.propose("txn", request, done, access.caller(call));
    },

    compact(request, call) {
      const done = (outcome: CompactionAnswer | Failure<EtcdErrorName>) => {
        if (isFailure(outcome)) {
          failCall(call, outcome);
          return;
        }
        const reply = () => call.reply({ header: headers.at(outcome.header.revision) });
        if (!request.physical) reply();
        // A compaction that cannot be finished stops the member, and with it the call.
        else outcome.physical.then(reply, () => failCall(call, fail("Stopped")));
      };
      member.propose("compaction", request, done, access.caller(call));
    },
  });
}
