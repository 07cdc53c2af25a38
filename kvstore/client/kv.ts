import { type Init, KVService, type RangeRequest, type RangeResponse, type TxnRequest } from "../../proto/mod.ts";
import type { Channel } from "./channel.ts";
import { serverStream } from "./server-stream.ts";
import type { CallOptions, KvClient } from "./types.ts";

const { range, put, deleteRange, txn, compact, rangeStream } = KVService.methods;

export function kvClient(channel: Channel): KvClient {
  const write = (options?: CallOptions) => ({ ...options, isWrite: true });
  return {
    range: (request, options) => channel.unary(range, request, { ...options, isWrite: false }),
    put: (request, options) => channel.unary(put, request, write(options)),
    deleteRange: (request, options) => channel.unary(deleteRange, request, write(options)),
    txn: (request, options) => channel.unary(txn, request, { ...options, isWrite: !onlyReads(request) }),
    compact: (request, options) => channel.unary(compact, request, write(options)),
    rangeStream: (request, options) => chunks(channel, request, options ?? {}),
  };
}

async function* chunks(
  channel: Channel,
  request: Init<RangeRequest>,
  options: CallOptions,
): AsyncGenerator<RangeResponse, void, void> {
  for await (const { rangeResponse } of serverStream(channel, rangeStream, request, options)) {
    if (rangeResponse !== undefined) yield rangeResponse;
  }
}

/** Whether a transaction has nothing but ranges at its top level: those change nothing, whichever branch is taken. */
function onlyReads(request: Init<TxnRequest>): boolean {
  if (!("success" in request) && !("failure" in request)) return false;
  const operations = [...(request.success ?? []), ...(request.failure ?? [])];
  return operations.every((operation) => "requestRange" in operation && operation.requestRange !== undefined);
}
