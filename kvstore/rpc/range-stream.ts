import { type RangeRequest, type RangeStreamResponse, SortOrder, SortTarget, Status } from "../../proto/mod.ts";
import { failpoints } from "../failpoint/mod.ts";
import { checkRangeRequest, isFailure, keyRange, rangeSlice } from "../mvcc/mod.ts";
import type { Member } from "../server/member.ts";
import { defaults } from "../server/options.ts";
import type { Access } from "./access.ts";
import { failureToRpcError, rpcError } from "./errors.ts";
import { RpcError, type StreamCall } from "./grpc/mod.ts";
import type { Headers } from "./headers.ts";

const firstChunkKeys = 10;
/** Looked at in one go: a few milliseconds. */
const mostChunkKeys = 10_000;

/**
 * RangeStream of etcd 3.7: a range in chunks of whole keys, all at one revision. Header, `more` and `count` come with the last
 * chunk, so that a client that merges the messages has what Range would have answered.
 */
export async function streamRange(
  member: Member,
  headers: Headers,
  access: Access,
  request: RangeRequest,
  call: StreamCall<RangeStreamResponse>,
): Promise<void> {
  const wrong = checkRangeRequest(request);
  if (wrong !== undefined) throw failureToRpcError(wrong);
  refuseUnsupported(request);
  if (!request.serializable) {
    const failure = await new Promise<string | undefined>((resolve) => member.linearizable(resolve));
    if (failure !== undefined) throw rpcError(failure as "Timeout");
  }
  const denied = access.range(call, request.key, request.rangeEnd);
  if (denied !== undefined) throw failureToRpcError(denied);
  const maxBytes = member.options.maxRequestBytes ?? defaults.maxRequestBytes;
  const current = member.state.store.revision;
  const at = request.revision > 0 ? request.revision : current;
  const limit = request.limit > 0 ? request.limit : Number.POSITIVE_INFINITY;
  let chunkKeys = firstChunkKeys;
  let sent = 0;
  let count = 0;
  member.state.store.noteRange();
  for (let keys = keyRange(request.key, request.rangeEnd); !call.cancelled; ) {
    if (failpoints.armed) await failpoints.pause("beforeRangeStreamChunk");
    const { store } = member.state;
    // What is beyond the limit is only counted.
    const chunk = rangeSlice(store, { ...request, countOnly: request.countOnly || sent >= limit }, keys, at, chunkKeys);
    if (isFailure(chunk)) throw failureToRpcError(chunk);
    const kvs = sent + chunk.records.length > limit ? chunk.records.slice(0, limit - sent) : chunk.records;
    sent += kvs.length;
    count += chunk.count;
    if (chunk.next === undefined) {
      const last = { header: headers.at(current), count, more: !request.countOnly && count > sent };
      call.write({ rangeResponse: { kvs, ...last } });
      call.end();
      return;
    }
    const keepsUp = kvs.length === 0 || call.write({ rangeResponse: { kvs } });
    const bytes = kvs.reduce((sum, kv) => sum + kv.length, 0);
    if (bytes < maxBytes / 2) chunkKeys = Math.min(2 * chunkKeys, mostChunkKeys);
    else if (bytes > maxBytes * 2) chunkKeys = Math.max(1, Math.floor(chunkKeys / 2));
    keys = { from: chunk.next, to: keys.to };
    await room(call, keepsUp);
  }
}

function refuseUnsupported(request: RangeRequest): void {
  const natural =
    request.sortOrder === SortOrder.NONE ||
    (request.sortTarget === SortTarget.KEY && request.sortOrder === SortOrder.ASCEND);
  if (!natural || request.sortTarget !== SortTarget.KEY) {
    throw new RpcError(Status.Unimplemented, "RangeStream does not support custom sort orders");
  }
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  if (minModRevision !== 0 || maxModRevision !== 0 || minCreateRevision !== 0 || maxCreateRevision !== 0) {
    throw new RpcError(Status.Unimplemented, "RangeStream does not support revision filters");
  }
}

/** Lets other work run, and waits for a client that does not keep up. */
function room(call: StreamCall<RangeStreamResponse>, keepsUp: boolean): Promise<void> {
  return new Promise((resolve) => {
    if (keepsUp) {
      setImmediate(resolve);
      return;
    }
    call.onDrain = resolve;
    call.onCancel = resolve;
  });
}
