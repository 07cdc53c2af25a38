import {
  AlarmType,
  type EtcdErrorName,
  KVService,
  type RangeRequest,
  type RangeResponse,
  type TxnRequest,
  type TxnResponse,
} from "../../proto/mod.ts";
import {
  checkDeleteRangeRequest,
  checkPutRequest,
  checkRangeRequest,
  checkTxnRequest,
  fail,
  isFailure,
  isTxnReadonly,
  isTxnSerializable,
  type TxnAnswer,
} from "../mvcc/mod.ts";
import type { Member } from "../server/member.ts";
import { defaults } from "../server/options.ts";
import { failCall } from "./answer.ts";
import { failureToRpcError, rpcError } from "./errors.ts";
import { type Implementation, implement, type UnaryCall } from "./grpc/mod.ts";
import type { Headers } from "./headers.ts";
import { putCost, type Quota, txnCost } from "./quota.ts";
import { streamRange } from "./range-stream.ts";

/**
 * The KV service. A write is checked, goes into the log, and is answered when it was applied here; a read is answered from the
 * state here, once a quorum has confirmed that it is new enough. No promise is made per request on these paths.
 */
export function kvService(member: Member, headers: Headers, quota: Quota): Implementation {
  const maxTxnOps = member.options.maxTxnOps ?? defaults.maxTxnOps;

  const refuse = (failure: EtcdErrorName): never => {
    throw rpcError(failure);
  };

  /** Calls `read` when the state here may be read from; else ends the call. */
  function whenReadable(
    call: UnaryCall<never> | UnaryCall<RangeResponse> | UnaryCall<TxnResponse>,
    serializable: boolean,
    read: () => void,
  ): void {
    if (member.alarms.has(AlarmType.CORRUPT)) refuse("Corrupt");
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
    const found = member.state.applier.range(request);
    if (isFailure(found)) failCall(call, found);
    else call.reply({ ...found, header: headers.at(found.header.revision) });
  }

  function txnAnswer(answer: TxnAnswer, call: UnaryCall<TxnResponse>): void {
    call.reply({ ...answer, header: headers.at(answer.header.revision ?? 0) });
  }

  function readTxn(request: TxnRequest, call: UnaryCall<TxnResponse>): void {
    const answer = member.state.applier.txn(request);
    if (isFailure(answer)) failCall(call, answer);
    else txnAnswer(answer, call);
  }

  return implement(KVService, {
    range(request, call) {
      const wrong = checkRangeRequest(request);
      if (wrong !== undefined) throw failureToRpcError(wrong);
      whenReadable(call, request.serializable, () => range(request, call));
    },

    rangeStream: (request, call) => streamRange(member, headers, request, call),

    put(request, call) {
      const wrong = checkPutRequest(request);
      if (wrong !== undefined) throw failureToRpcError(wrong);
      if (!quota.admits(putCost(request))) {
        quota.refuse(() => failCall(call, fail("NoSpace")));
        return;
      }
      member.propose("put", request, (outcome) => {
        if (isFailure(outcome)) failCall(call, outcome);
        else call.reply({ header: headers.at(outcome.header.revision), prevKv: outcome.prevKv });
      });
    },

    deleteRange(request, call) {
      const wrong = checkDeleteRangeRequest(request);
      if (wrong !== undefined) throw failureToRpcError(wrong);
      member.propose("deleteRange", request, (outcome) => {
        if (isFailure(outcome)) failCall(call, outcome);
        else call.reply({ ...outcome, header: headers.at(outcome.header.revision) });
      });
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
      member.propose("txn", request, (outcome) => {
        if (isFailure(outcome)) failCall(call, outcome);
        else txnAnswer(outcome, call);
      });
    },

    compact(request, call) {
      member.propose("compaction", request, (outcome) => {
        if (isFailure(outcome)) {
          failCall(call, outcome);
          return;
        }
        const reply = () => call.reply({ header: headers.at(outcome.header.revision) });
        if (!request.physical) reply();
        // A compaction that cannot be finished stops the member, and with it the call.
        else outcome.physical.then(reply, () => failCall(call, fail("Stopped")));
      });
    },
  });
}
