import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type Init,
  KeyValue,
  PutRequest,
  RangeRequest,
  RangeResponse,
  type RangeStreamResponse,
} from "../../proto/mod.ts";
import type { RangeAnswer } from "../mvcc/mod.ts";
import { TestState } from "../mvcc/state.testing.ts";
import type { Member } from "../server/member.ts";
import type { Access } from "./access.ts";
import type { StreamCall } from "./grpc/mod.ts";
import { Headers } from "./headers.ts";
import { streamRange } from "./range-stream.ts";

/** A client that takes what comes; `onMessage` runs while the stream pauses. */
async function merged(test: TestState, request: Init<RangeRequest>, onMessage: () => void): Promise<RangeResponse> {
  const member = {
    state: test.state,
    options: {},
    leadership: { term: 1 },
    clusterId: 1n,
    id: 1n,
  } as unknown as Member;
  const parts: Uint8Array[] = [];
  const call = {
    cancelled: false,
    write({ rangeResponse }: Init<RangeStreamResponse> & { rangeResponse: Init<RangeResponse> }) {
      parts.push(RangeResponse.encode(rangeResponse));
      onMessage();
      return true;
    },
    end: () => undefined,
  } as unknown as StreamCall<RangeStreamResponse>;
  const access = { range: () => undefined } as unknown as Access;
  await streamRange(member, new Headers(member), access, RangeRequest.create({ ...request, serializable: true }), call);
  return RangeResponse.decode(Buffer.concat(parts));
}

test("its chunks merged are the range at its beginning, whatever is written meanwhile", async () => {
  const key = Buffer.from("k");
  const rangeEnd = Buffer.from("l");
  await fc.assert(
    fc.asyncProperty(fc.nat(60), fc.nat(40), fc.boolean(), fc.boolean(), async (keys, limit, countOnly, keysOnly) => {
      const test = new TestState();
      const { applier, store } = await test.open();
      const put = (i: number, value: string) =>
        applier.put(
          PutRequest.create({ key: Buffer.from(`k${String(i).padStart(2, "0")}`), value: Buffer.from(value) }),
        );
      for (let i = 0; i < keys; i++) put(i, `${i}`);
      const request = { key, rangeEnd, limit, countOnly, keysOnly };
      const { revision } = store;
      const before = applier.range(RangeRequest.create(request)) as RangeAnswer;
      const after = await merged(test, request, () => put(store.revision % 70, "later"));
      expect(after.kvs).toEqual(before.kvs.map(({ bytes }) => KeyValue.decode(bytes)));
      expect([after.count, after.more, after.header?.revision]).toEqual([before.count, before.more, revision]);
    }),
    { numRuns: 60 },
  );
});
