import { type Init, RangeResponse, type ResponseHeader } from "../../proto/mod.ts";
import type { RangeAnswer } from "../mvcc/mod.ts";
import type { UnaryCall } from "./grpc/mod.ts";

/** Answers up to this size leave in one piece. */
const onePieceBytes = 1 << 20;
const partBytes = 1 << 17;

/** Answers a range. A large answer is encoded as fast as the client takes it, and no faster: it costs no more memory than a
 * reference to each record, which the store has anyway, and holds nobody up. */
export function replyRange(call: UnaryCall<RangeResponse>, answer: RangeAnswer, header: ResponseHeader): void {
  const whole = { ...answer, header };
  let bytes = 0;
  for (const kv of answer.kvs) bytes += kv.length;
  if (bytes <= onePieceBytes) call.reply(whole);
  else call.replyInParts(RangeResponse.size(whole), parts(answer, header));
}

function* parts({ kvs, more, count }: RangeAnswer, header: ResponseHeader): Generator<Init<RangeResponse>, undefined> {
  yield { header };
  for (let from = 0, to = 0; from < kvs.length; from = to) {
    for (let bytes = 0; to < kvs.length && bytes < partBytes; to++) bytes += kvs[to]!.length;
    yield { kvs: kvs.slice(from, to) };
  }
  yield { more, count };
}
