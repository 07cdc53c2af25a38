import {
  KeyValue,
  type RangeRequest,
  type RangeStreamResponse,
  SortOrder,
  SortTarget,
  Status,
} from "../../proto/mod.ts";
import { failpoints } from "../failpoint/mod.ts";
import { checkRangeRequest, isFailure, type RangeAnswer } from "../mvcc/mod.ts";
import type { Member } from "../server/member.ts";
import { defaults } from "../server/options.ts";
import type { Access } from "./access.ts";
import { failureToRpcError, rpcError } from "./errors.ts";
import { RpcError, type StreamCall } from "./grpc/mod.ts";
import type { Headers } from "./headers.ts";

const firstChunkKeys = 10;

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
  const revision = request.revision > 0 ? request.revision : member.state.store.revision;
  let { key } = request;
  let left = request.limit > 0 ? request.limit : Number.POSITIVE_INFINITY;
  let chunkKeys = firstChunkKeys;
  let count: number | undefined;
  while (!call.cancelled) {
    if (failpoints.armed) await failpoints.pause("beforeRangeStreamChunk");
    const chunk = read(member, { ...request, key, revision, limit: Math.min(chunkKeys, left) });
    count ??= chunk.count;
    left -= chunk.kvs.length;
    const isLast = !chunk.more || left <= 0 || request.countOnly;
    const last = { header: headers.at(chunk.header.revision), count, more: chunk.more };
    const keepsUp = call.write({ rangeResponse: { kvs: chunk.kvs, ...(isLast ? last : {}) } });
    if (isLast) {
      call.end();
      return;
    }
    const bytes = chunk.kvs.reduce((sum, kv) => sum + kv.length, 0);
    if (bytes < maxBytes / 2) chunkKeys *= 2;
    else if (bytes > maxBytes * 2) chunkKeys = Math.max(1, Math.floor(chunkKeys / 2));
    key = successor(lastKey(chunk));
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

function read(member: Member, request: RangeRequest): RangeAnswer {
  const found = member.state.applier.range(request);
  if (isFailure(found)) throw failureToRpcError(found);
  return found;
}

function lastKey({ kvs }: RangeAnswer): Uint8Array {
  return KeyValue.decode(kvs.at(-1)!.bytes).key;
}

/** The least key behind this one. */
function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
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
