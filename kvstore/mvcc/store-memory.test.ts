import fc from "fast-check";
import { expect, test } from "vitest";
import { assert as invariant, toUtf8 } from "../../base/mod.ts";
import {
  CompareResult,
  CompareTarget,
  DeleteRangeRequest,
  Event,
  KeyValue,
  PutRequest,
  RangeRequest,
  TxnRequest,
} from "../../proto/mod.ts";
import { isFailure } from "./failure.ts";
import { type RangeAnswer, rangeInSlices } from "./range.ts";
import type { Record } from "./record.ts";
import { TestState } from "./state.testing.ts";

const everything = { key: toUtf8("k"), rangeEnd: toUtf8("l") };
const name = (i: number) => toUtf8(`k${String(i).padStart(4, "0")}`);
const filler = ".".repeat(10_000);

function valueIn(record: Record): string {
  return Buffer.from(KeyValue.decode(record.bytes).value).toString().replace(/\.+$/, "");
}

/** 200 keys of 10 kB each and memory for hardly any of them; all are on the disk. */
async function crowded(): Promise<TestState> {
  const test = new TestState({ recordMemoryBytes: 1, recentHistoryBytes: 1 });
  const { applier, backend } = await test.open();
  for (let i = 0; i < 200; i++) applier.put(PutRequest.create({ key: name(i), value: toUtf8(`v${i}${filler}`) }));
  await test.until(backend.commit());
  return test;
}

test("what does not fit into memory is read from the disk, whoever asks", async () => {
  const test = await crowded();
  const { applier } = test.state;
  const inMemory = test.state.store.get("k0000")?.record;
  expect(inMemory).toBeUndefined();

  const one = applier.range(RangeRequest.create({ key: name(0) })) as RangeAnswer;
  expect(one.kvs.map(valueIn)).toEqual(["v0"]);
  const all = applier.range(RangeRequest.create(everything)) as RangeAnswer;
  expect(all.kvs.map(valueIn)).toEqual(Array.from({ length: 200 }, (_, i) => `v${i}`));

  const put = applier.put(PutRequest.create({ key: name(1), value: toUtf8("new"), prevKv: true }));
  invariant(!isFailure(put) && put.prevKv !== undefined, "there was a value before");
  expect(valueIn(put.prevKv)).toBe("v1");
  const kept = applier.put(PutRequest.create({ key: name(2), ignoreValue: true }));
  invariant(!isFailure(kept), "the key is there");
  expect(valueIn((applier.range(RangeRequest.create({ key: name(2) })) as RangeAnswer).kvs[0] as Record)).toBe("v2");

  const equal = {
    key: name(3),
    target: CompareTarget.VALUE,
    result: CompareResult.EQUAL,
    value: toUtf8(`v3${filler}`),
  };
  expect(applier.txn(TxnRequest.create({ compare: [equal] }))).toMatchObject({ succeeded: true });
  const deleted = applier.deleteRange(DeleteRangeRequest.create({ key: name(4), prevKv: true }));
  expect(deleted.prevKvs.map(valueIn)).toEqual(["v4"]);

  const before = applier.range(RangeRequest.create({ ...everything, revision: 201 })) as RangeAnswer;
  expect(before.kvs.map(valueIn)).toEqual(Array.from({ length: 200 }, (_, i) => `v${i}`));
});

test("a watcher that wants the value before gets it from the disk", async () => {
  const test = await crowded();
  const { store, applier } = test.state;
  let heard: string | undefined;
  store.onRevision((_, [event]) => {
    const { kv, prevKv } = Event.decode(
      event!.encodeWithPrevious(({ key, main }) => store.recordAt(key, main - 1)).bytes,
    );
    heard = [prevKv, kv].map((pair) => Buffer.from(pair!.value).toString().replace(/\.+$/, "")).join(" then ");
  });
  applier.put(PutRequest.create({ key: name(7), value: toUtf8("new") }));
  expect(heard).toBe("v7 then new");
});

test("a range in slices is the range of one revision, whatever is written or compacted meanwhile", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(2600), fc.integer({ min: 1, max: 40 }), fc.boolean(), async (keys, writes, compacts) => {
      const test = new TestState();
      const { applier, store } = await test.open();
      for (let i = 0; i < keys; i++) applier.put(PutRequest.create({ key: name(i), value: toUtf8(`${i}`) }));
      const seen = new Map<number, string>();
      const note = () => {
        const { kvs } = applier.range(RangeRequest.create(everything)) as RangeAnswer;
        seen.set(store.revision, kvs.map(valueIn).join());
      };
      note();
      let left = writes;
      const pause = async () => {
        if (left-- <= 0) return;
        applier.put(PutRequest.create({ key: name(left % 5), value: toUtf8("changed") }));
        applier.deleteRange(DeleteRangeRequest.create({ key: name(1000 + left) }));
        if (compacts && left % 2 === 0) store.compact(store.revision);
        note();
      };
      const answer = await rangeInSlices(() => store, RangeRequest.create(everything), pause);
      invariant(!isFailure(answer), "the newest revision can always be read");
      expect(answer.kvs.map(valueIn).join()).toBe(seen.get(answer.header.revision));
      expect(answer.count).toBe(answer.kvs.length);
    }),
    { numRuns: 30 },
  );
});

test("large changes do not wait in memory for the next batch", async () => {
  const test = new TestState({ batching: { intervalMs: 60_000 } });
  const { applier, store } = await test.open();
  const value = new Uint8Array(1 << 20);
  for (let i = 1; i <= 9; i++) {
    applier.put(PutRequest.create({ key: name(i), value }));
    store.setApplied(i, 1);
  }
  await test.pass(5);
  expect(store.committed.index).toBeGreaterThanOrEqual(8);
  expect(test.state.backend.sizeBytes).toBeGreaterThan(9 << 20);
});
