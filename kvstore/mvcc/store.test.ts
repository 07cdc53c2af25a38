import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assert as invariant, toUtf8 } from "../../base/mod.ts";
import {
  CompareResult,
  CompareTarget,
  DeleteRangeRequest,
  type Init,
  KeyValue,
  PutRequest,
  RangeRequest,
  type RequestOp,
  TxnRequest,
} from "../../proto/mod.ts";
import { isFailure } from "./failure.ts";
import { asModel, Model } from "./model.testing.ts";
import { TestState } from "./state.testing.ts";
import { installState } from "./state.ts";

const keys = ["a", "a\0", "b", "ba", "c", "\xff"];
const key = fc.constantFrom(...keys);
const bounds = fc.tuple(key, fc.constantFrom(...keys, "")).map(([from, to]) => ({ from, to }));
const value = fc.string({ maxLength: 3 });

type WriteOp = { readonly put: string; readonly value: string } | { readonly delete: { from: string; to: string } };
const writeOp: fc.Arbitrary<WriteOp> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ put: key, value }) },
  { weight: 1, arbitrary: fc.record({ delete: bounds }) },
);

type Step =
  | { readonly kind: "write"; readonly op: WriteOp }
  | { readonly kind: "txn"; readonly key: string; readonly version: number; readonly ops: readonly WriteOp[] }
  | { readonly kind: "compact"; readonly part: number }
  | { readonly kind: "restart" | "flush" };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("write" as const), op: writeOp }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("txn" as const),
      key,
      version: fc.nat(2),
      ops: fc.array(writeOp, { maxLength: 4 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("compact" as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("restart" as const, "flush" as const) }) },
);

function bytes(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

/** In the model as on the wire, a range that ends in "" is one key, and here "\xff\xff" is beyond all. */
function rangeEnd({ from, to }: { from: string; to: string }): string {
  return to === "" ? `${from}\0` : to;
}

/** Keeps operations that may stand in one transaction: no key twice. */
function disjoint(ops: readonly WriteOp[]): WriteOp[] {
  const kept: WriteOp[] = [];
  for (const op of ops) {
    const clashes = kept.some((other) => {
      if ("put" in op && "put" in other) return op.put === other.put;
      const [deletion, put] = "put" in op ? [other, op] : [op, other];
      if (!("delete" in deletion) || !("put" in put)) return false;
      return put.put >= deletion.delete.from && put.put < rangeEnd(deletion.delete);
    });
    if (!clashes) kept.push(op);
  }
  return kept;
}

function requestOp(op: WriteOp): Init<RequestOp> {
  return "put" in op
    ? { requestPut: { key: bytes(op.put), value: bytes(op.value) } }
    : { requestDeleteRange: { key: bytes(op.delete.from), rangeEnd: bytes(op.delete.to) } };
}

function applyToModel(model: Model, op: WriteOp): void {
  if ("put" in op) model.put(op.put, op.value);
  else model.deleteRange(op.delete.from, rangeEnd(op.delete));
}

function apply(test: TestState, model: Model, step: Step): Promise<unknown> | undefined {
  const { applier, store, backend } = test.state;
  switch (step.kind) {
    case "write":
      if ("put" in step.op) applier.put(PutRequest.create({ key: bytes(step.op.put), value: bytes(step.op.value) }));
      else {
        const { from, to } = step.op.delete;
        applier.deleteRange(DeleteRangeRequest.create({ key: bytes(from), rangeEnd: bytes(to) }));
      }
      applyToModel(model, step.op);
      model.commit();
      return undefined;
    case "txn": {
      const ops = disjoint(step.ops);
      const { result, target } = { result: CompareResult.EQUAL, target: CompareTarget.VERSION };
      const compare = [{ key: bytes(step.key), result, target, version: step.version }];
      const answer = applier.txn(TxnRequest.create({ compare, success: ops.map(requestOp), failure: [] }));
      invariant(!isFailure(answer), "this transaction cannot fail");
      expect(answer.succeeded).toBe((model.get(step.key)?.version ?? 0) === step.version);
      if (answer.succeeded) for (const op of ops) applyToModel(model, op);
      model.commit();
      return undefined;
    }
    case "compact": {
      const revision = Math.round(step.part * model.revision);
      const compaction = store.compact(revision);
      if (revision <= model.compactRevision) expect(compaction).toEqual({ failure: "Compacted" });
      else model.compactRevision = revision;
      return undefined;
    }
    case "restart":
      return test.restart();
    case "flush":
      return test.until(backend.commit());
  }
}

function checkAllRevisions(test: TestState, model: Model): void {
  const { applier, store } = test.state;
  expect(store.revision).toBe(model.revision);
  expect(store.compactRevision).toBe(model.compactRevision);
  for (let revision = 1; revision <= model.revision; revision++) {
    const answer = applier.range(RangeRequest.create({ key: bytes("\0"), rangeEnd: bytes("\0"), revision }));
    if (revision < model.compactRevision) {
      expect(answer).toEqual({ failure: "Compacted" });
      continue;
    }
    invariant(!isFailure(answer), `revision ${revision} can be read`);
    const expected = model.range("", "\xff\xff", revision);
    expect(answer.kvs.map(({ bytes }) => asModel(KeyValue.decode(bytes)))).toEqual(expected);
    expect(answer.count).toBe(expected.length);
  }
}

describe("the store", () => {
  test("reads at every revision what a list of all versions reads, across transactions, compactions and restarts", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const test = new TestState();
        await test.open();
        const model = new Model();
        for (const step of steps) {
          await apply(test, model, step);
          checkAllRevisions(test, model);
        }
        await test.restart();
        checkAllRevisions(test, model);
      }),
      { numRuns: 300 },
    );
  });

  test("counts and limits any range", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(writeOp, { maxLength: 30 }),
        fc.array(fc.tuple(bounds, fc.nat(4)), { maxLength: 10 }),
        async (ops, ranges) => {
          const test = new TestState();
          const { applier } = await test.open();
          const model = new Model();
          for (const op of ops) apply(test, model, { kind: "write", op });
          for (const [range, limit] of ranges) {
            const { from, to } = range;
            const answer = applier.range(RangeRequest.create({ key: bytes(from), rangeEnd: bytes(to), limit }));
            invariant(!isFailure(answer), "the newest revision can be read");
            const expected = model.range(from, rangeEnd(range));
            expect(answer.count).toBe(expected.length);
            expect(answer.more).toBe(limit > 0 && expected.length > limit);
            const shown = limit > 0 ? expected.slice(0, limit) : expected;
            expect(answer.kvs.map(({ bytes }) => asModel(KeyValue.decode(bytes)))).toEqual(shown);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test("holds after a crash all of some batch and nothing of the next, with the applied index that fits", async () => {
    const test = new TestState();
    const { backend } = await test.open();
    const put = (text: string, index: number) => {
      test.state.applier.put(PutRequest.create({ key: toUtf8(text), value: toUtf8(text) }));
      test.state.store.setApplied(index, 7);
    };
    put("a", 1);
    put("b", 2);
    await test.until(backend.commit());
    expect(test.state.store.committed).toEqual({ index: 2, term: 7 });
    put("c", 3);
    expect(test.state.store.committed).toEqual({ index: 2, term: 7 });
    const { store } = await test.crash();
    expect([store.revision, store.applied]).toEqual([3, { index: 2, term: 7 }]);
    expect(() => store.setApplied(2, 7)).toThrow("applied once");
  });

  test("goes on with a compaction that a crash broke off", async () => {
    const test = new TestState();
    const { applier, store, backend } = await test.open();
    for (let i = 0; i < 3000; i++) applier.put(PutRequest.create({ key: toUtf8(`k${i % 2500}`), value: toUtf8("v") }));
    await test.until(backend.commit());
    store.compact(store.revision);
    await test.until(backend.commit());
    const reopened = await test.crash();
    expect(reopened.store.compactRevision).toBe(3001);
    const done = reopened.store.hashKv(0); // runs behind the compaction
    await test.until(done);
    await test.until(reopened.backend.commit());
    let kept = 0;
    for await (const entries of reopened.backend.scan("key")) kept += entries.length;
    expect(kept).toBe(2500);
  });

  test("closes in the middle of a compaction and finishes it when it is opened again", async () => {
    const test = new TestState();
    const { applier, store } = await test.open();
    for (let i = 0; i < 9000; i++) applier.put(PutRequest.create({ key: toUtf8(`k${i % 4500}`), value: toUtf8("v") }));
    store.compact(store.revision);
    await test.pass(1);
    const { store: reopened, backend } = await test.restart();
    await test.until(reopened.hashKv(0));
    let kept = 0;
    for await (const entries of backend.scan("key")) kept += entries.length;
    expect(kept).toBe(4500);
  });

  test("keeps a tombstone that lies exactly at the compact revision", async () => {
    const test = new TestState();
    const { applier, store } = await test.open();
    applier.put(PutRequest.create({ key: toUtf8("a") }));
    applier.deleteRange(DeleteRangeRequest.create({ key: toUtf8("a") }));
    const compaction = store.compact(3);
    invariant(!isFailure(compaction), "revision 3 exists");
    await test.until(compaction.physical);
    const { store: reopened } = await test.restart();
    expect(reopened.revision).toBe(3);
    expect(reopened.history.recentFrom).toBe(4);
    const events = [];
    for await (const run of reopened.history.read(3, 4)) events.push(...run);
    expect(events).toMatchObject([{ main: 3, sub: 0, tombstone: true, key: "a" }]);
  });
});

describe("while the store compacts, it", () => {
  const filled = async (test: TestState, writes: number, keys: number) => {
    const { applier, store } = await test.open();
    for (let i = 0; i < writes; i++)
      applier.put(PutRequest.create({ key: toUtf8(`k${i % keys}`), value: toUtf8("v") }));
    return store;
  };

  // etcd#17780: the newest revisions were deletions, and went with the compaction.
  test("never goes back in its revision, though a compaction has removed the newest ones, and a crash comes before it is done", async () => {
    const test = new TestState();
    const store = await filled(test, 2, 2);
    for (const key of ["k0", "k1"]) test.state.applier.deleteRange(DeleteRangeRequest.create({ key: toUtf8(key) }));
    expect(store.revision).toBe(5);
    const compaction = store.compact(5);
    invariant(!isFailure(compaction), "revision 5 exists");
    await test.until(compaction.physical);
    const { store: reopened } = await test.crash();
    expect(reopened.revision).toBe(5);
  });

  // etcd#18667: what an entry of the log does must not depend on what else a member has got round to.
  test("refuses a transaction that reads what is compacted on every member alike, however far each has come with removing it", async () => {
    const [done, behind] = [new TestState(), new TestState()];
    const answers = [];
    for (const member of [done, behind]) {
      const store = await filled(member, 3, 1);
      store.compact(4);
      if (member === done) await member.pass(50);
      const success = [
        { requestPut: { key: toUtf8("written"), value: toUtf8("v") } },
        { requestRange: { key: toUtf8("k0"), revision: 2 } },
      ];
      answers.push(member.state.applier.txn(TxnRequest.create({ compare: [], success, failure: [] })));
      expect(store.revision).toBe(4);
    }
    expect(answers).toEqual([{ failure: "Compacted" }, { failure: "Compacted" }]);
  });

  // etcd#13841: compactions did not finish any more once the member was defragmented.
  test("finishes a compaction that a defragmentation comes across", async () => {
    const test = new TestState();
    const store = await filled(test, 9000, 4500);
    const compaction = store.compact(store.revision);
    invariant(!isFailure(compaction), "the newest revision exists");
    await test.pass(1);
    const { backend } = test.state;
    await test.until(Promise.all([backend.defragment(), compaction.physical]));
    let kept = 0;
    for await (const entries of backend.scan("key")) kept += entries.length;
    expect(kept).toBe(4500);
  });

  // etcd#19406: with each compaction everything else waited for seconds.
  test("never looks at many keys in one go while it compacts", async () => {
    const test = new TestState();
    const store = await filled(test, 20_000, 10_000);
    const compaction = store.compact(store.revision);
    invariant(!isFailure(compaction), "the newest revision exists");
    let turns = 0;
    let isDone = false;
    compaction.physical.then(() => {
      isDone = true;
    });
    // In every turn of the event loop others could be served.
    for (; !isDone; turns++) await test.pass(1);
    expect(turns).toBeGreaterThan(10);
  });
});

test("a snapshot is taken at one applied index, and installed beside the state that still answers", async () => {
  const [leader, follower] = [new TestState(), new TestState()];
  for (const { applier, store } of [await leader.open(), await follower.open()]) {
    applier.put(PutRequest.create({ key: toUtf8("a"), value: toUtf8("1") }));
    store.setApplied(1, 1);
  }
  leader.state.applier.put(PutRequest.create({ key: toUtf8("a"), value: toUtf8("2") }));
  leader.state.applier.leaseGrant({ id: 5n, ttl: 10 });
  leader.state.applier.put(PutRequest.create({ key: toUtf8("b"), lease: 5n }));
  leader.state.store.setApplied(2, 1);
  const records = leader.state.backend.exportRecords();
  const first = await leader.until(records.next());
  leader.state.applier.put(PutRequest.create({ key: toUtf8("later") }));
  leader.state.store.setApplied(3, 1);
  await leader.until(leader.state.backend.commit());

  const options = { home: follower.home, clock: follower.clock, minLeaseTtl: 2, onFailure: () => undefined };
  const installed = await installState(
    options,
    (async function* () {
      if (!first.done) yield first.value;
      yield* records;
    })(),
  );
  expect(follower.state.store.revision).toBe(2);
  expect([installed.store.revision, installed.store.applied]).toEqual([4, { index: 2, term: 1 }]);
  expect(installed.lessor.keysOf(5n)).toEqual(["b"]);
  await follower.until(follower.state.backend.close());
  await follower.until(installed.backend.close());
  expect((await follower.open()).store.applied).toEqual({ index: 2, term: 1 });
});
