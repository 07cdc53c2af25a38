import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assert as invariant, toUtf8 } from "../../../base/mod.ts";
import { DeleteRangeRequest, Event, EventType, PutRequest } from "../../../proto/mod.ts";
import { isFailure } from "../failure.ts";
import { singleKey } from "../key-range.ts";
import { TestState, type TestStateOptions } from "../state.testing.ts";
import { WatchHub } from "./hub.ts";
import type { WatchBatch, Watcher, WatchRequest, WatchSink } from "./watcher.ts";

interface Seen {
  readonly main: number;
  readonly key: string;
  readonly deleted: boolean;
  readonly previous: string | undefined;
}

/** A client that takes `room` messages and then none until it is read from. */
class TestSink implements WatchSink {
  readonly seen: Seen[] = [];
  readonly batches: WatchBatch[] = [];
  compactedAt: number | undefined;
  room = Number.POSITIVE_INFINITY;

  deliver({ prevKv }: Watcher, batch: WatchBatch): boolean {
    if (this.room <= 0) return false;
    this.room--;
    this.batches.push(batch);
    for (const { bytes } of batch.encode(prevKv)) {
      const { type, kv, prevKv: previous } = Event.decode(bytes);
      invariant(kv !== undefined, "an event has a pair");
      this.seen.push({
        main: kv.modRevision,
        key: text(kv.key),
        deleted: type === EventType.DELETE,
        previous: previous && text(previous.value),
      });
    }
    return true;
  }

  compacted(_: Watcher, compactRevision: number): boolean {
    if (this.room <= 0) return false;
    this.compactedAt = compactRevision;
    return true;
  }

  caughtUp(): void {
    // Nothing to do: the tests look at the hub.
  }
}

class TestHub extends TestState {
  hub!: WatchHub;

  override async open() {
    const state = await super.open();
    const onFailure = (error: unknown) => {
      throw error;
    };
    this.hub = new WatchHub({ store: state.store, clock: this.clock, onFailure });
    return state;
  }

  put(key: string, value = "v"): void {
    this.state.applier.put(PutRequest.create({ key: toUtf8(key), value: toUtf8(value) }));
  }

  delete(key: string, rangeEnd = ""): void {
    this.state.applier.deleteRange(DeleteRangeRequest.create({ key: toUtf8(key), rangeEnd: toUtf8(rangeEnd) }));
  }

  watch(sink: WatchSink, request: Partial<WatchRequest> = {}): Watcher {
    const all = { keys: { from: "", to: undefined }, startRevision: 0, prevKv: false, noPut: false, noDelete: false };
    return this.hub.watch({ ...all, ...request }, sink);
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

async function opened(options?: TestStateOptions): Promise<TestHub> {
  const test = new TestHub(options);
  await test.open();
  return test;
}

describe("a watcher", () => {
  test("hears of the next revision when it names none, and of nothing in the turn that made it", async () => {
    const test = await opened();
    test.put("before");
    const sink = new TestSink();
    test.watch(sink);
    test.put("after");
    expect(sink.seen).toEqual([]);
    await test.pass(1);
    expect(sink.seen).toMatchObject([{ main: 3, key: "after" }]);
  });

  test("catches up from memory and from the disk", async () => {
    const test = await opened();
    for (let i = 0; i < 2500; i++) test.put(`k${i}`);
    const fromMemory = new TestSink();
    test.watch(fromMemory, { startRevision: 2 });
    await test.pass(20);
    await test.restart();
    test.put("last");
    const fromDisk = new TestSink();
    test.watch(fromDisk, { startRevision: 2 });
    await test.pass(20);
    expect(fromMemory.seen.map(({ key }) => key)).toEqual(Array.from({ length: 2500 }, (_, i) => `k${i}`));
    expect(fromDisk.seen.map(({ key }) => key)).toEqual([...fromMemory.seen.map(({ key }) => key), "last"]);
  });

  test("hears of no revision before a future one that it names", async () => {
    const test = await opened();
    const sink = new TestSink();
    const watcher = test.watch(sink, { startRevision: 4 });
    for (const key of ["two", "three"]) test.put(key);
    expect(test.hub.progress([watcher])).toBeUndefined();
    for (const key of ["four", "five"]) test.put(key);
    expect(test.hub.progress([watcher])).toBe(5);
    expect(sink.seen.map(({ key }) => key)).toEqual(["four", "five"]);
  });

  test("gets the value before, from memory and from the disk, but not that of a compacted revision", async () => {
    const test = await opened();
    const live = new TestSink();
    test.watch(live, { prevKv: true });
    for (const value of ["1", "2", "3"]) test.put("a", value);
    test.delete("a");
    await test.pass(1);
    expect(live.seen.map(({ previous }) => previous)).toEqual([undefined, "1", "2", "3"]);
    const compaction = test.state.store.compact(3);
    invariant(!isFailure(compaction), "revision 3 exists");
    await test.until(compaction.physical);
    const [fromMemory, fromDisk] = [new TestSink(), new TestSink()];
    test.watch(fromMemory, { prevKv: true, startRevision: 3 });
    await test.pass(20);
    await test.restart();
    test.watch(fromDisk, { prevKv: true, startRevision: 3 });
    await test.pass(20);
    for (const late of [fromMemory, fromDisk]) {
      expect(late.seen.map(({ previous }) => previous)).toEqual([undefined, "2", "3"]);
    }
  });

  test("gets the value before the transaction, whatever that has done to the key in between, and none for a key that it creates", async () => {
    const test = await opened();
    test.put("a", "before");
    const sink = new TestSink();
    test.watch(sink, { prevKv: true });
    test.state.store.write((view) => {
      view.put("a", toUtf8("between"), 0n);
      view.deleteRange(singleKey("a"));
      view.put("a", toUtf8("after"), 0n);
    });
    await test.pass(1);
    expect(sink.seen.map(({ previous }) => previous)).toEqual(["before", "before", undefined]);
    const late = new TestSink();
    test.watch(late, { prevKv: true, startRevision: 3 });
    await test.pass(20);
    expect(late.seen.map(({ previous }) => previous)).toEqual(["before", "before", undefined]);
  });

  test("hears only of what its filters let through, and of nothing when they let nothing through", async () => {
    const test = await opened();
    const [puts, deletes] = [new TestSink(), new TestSink()];
    test.watch(puts, { noDelete: true });
    test.watch(deletes, { noPut: true });
    test.put("a");
    await test.pass(1);
    test.delete("a");
    await test.pass(1);
    expect(puts.batches.map(({ revision }) => revision)).toEqual([2]);
    expect(deletes.batches.map(({ revision }) => revision)).toEqual([3]);
  });

  test("starts at the compacted revision itself, where a deletion still counts, and not before", async () => {
    const test = await opened();
    test.put("a");
    test.delete("a");
    const compaction = test.state.store.compact(3);
    invariant(!isFailure(compaction), "revision 3 exists");
    await test.until(compaction.physical);
    await test.restart();
    const [at, before] = [new TestSink(), new TestSink()];
    test.watch(at, { startRevision: 3 });
    test.watch(before, { startRevision: 2 });
    await test.pass(20);
    expect(at.seen).toEqual([{ main: 3, key: "a", deleted: true, previous: undefined }]);
    expect([before.seen, before.compactedAt]).toEqual([[], 3]);
  });

  test("shares its encoded events with the watchers of the same keys", async () => {
    const test = await opened();
    const sinks = [new TestSink(), new TestSink()];
    for (const sink of sinks) test.watch(sink);
    test.put("a");
    await test.pass(1);
    const [first, second] = sinks.map(({ batches }) => batches[0]?.encode(false)[0]);
    expect(first).toBeDefined();
    expect(first).toBe(second);
  });
});

describe("progress", () => {
  test("is claimed only when everything before was told, slow clients included", async () => {
    const test = await opened();
    const sink = new TestSink();
    const watcher = test.watch(sink);
    test.put("a");
    expect(test.hub.progress([watcher])).toBe(2);
    expect(sink.seen).toHaveLength(1);
    sink.room = 0;
    test.put("b");
    expect(test.hub.progress([watcher])).toBeUndefined();
    sink.room = 1;
    test.hub.drained(sink);
    expect(test.hub.progress([watcher])).toBe(3);
    expect(sink.seen.map(({ main }) => main)).toEqual([2, 3]);
  });

  test("of no watchers at all is the newest revision", async () => {
    const test = await opened();
    test.put("a");
    expect(test.hub.progress([])).toBe(2);
  });
});

describe("a snapshot", () => {
  test("that replaces the store repeats nothing and skips nothing", async () => {
    const leader = await opened();
    const follower = await opened();
    const [live, future] = [new TestSink(), new TestSink()];
    follower.watch(live);
    follower.watch(future, { startRevision: 6 });
    for (const test of [leader, follower]) test.put("a");
    await follower.pass(1);
    for (const key of ["b", "c", "d", "e"]) leader.put(key);
    follower.hub.moveTo(leader.state.store);
    await follower.pass(20);
    leader.put("f");
    await follower.pass(1);
    expect(live.seen.map(({ key }) => key)).toEqual(["a", "b", "c", "d", "e", "f"]);
    expect(future.seen.map(({ key }) => key)).toEqual(["e", "f"]);
  });
});

type Step =
  | { readonly kind: "put"; readonly key: string }
  | { readonly kind: "delete"; readonly key: string; readonly end: string }
  | { readonly kind: "watch"; readonly from: string; readonly to: string; readonly back: number; readonly room: number }
  | { readonly kind: "read"; readonly which: number; readonly room: number }
  | { readonly kind: "cancel"; readonly which: number }
  | { readonly kind: "compact"; readonly back: number }
  | { readonly kind: "pass" | "commit" };

const key = fc.constantFrom("a", "b", "c", "d");
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("put" as const), key }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), key, end: fc.constantFrom("", "z") }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("watch" as const),
      from: key,
      to: fc.constantFrom("", "c", "z"),
      back: fc.integer({ min: -2, max: 8 }),
      room: fc.nat(3),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("read" as const), which: fc.nat(5), room: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("cancel" as const), which: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("compact" as const), back: fc.nat(6) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("pass" as const, "commit" as const) }) },
);

test("every watcher hears exactly of what the log holds from its start on, in order, once, until it is compacted away", async () => {
  await fc.assert(
    // With no memory of its history, a store reads from the disk whatever it has written there.
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.boolean(), async (steps, forgets) => {
      const test = await opened(forgets ? { recentHistoryBytes: 0 } : {});
      // The log is what a watcher hears that is there from the beginning and never slow.
      const recorder = new TestSink();
      test.watch(recorder);
      const watches: { sink: TestSink; watcher: Watcher; start: number; cancelled: boolean }[] = [];
      for (const step of steps) {
        const { store } = test.state;
        switch (step.kind) {
          case "put":
            test.put(step.key);
            break;
          case "delete":
            test.delete(step.key, step.end);
            break;
          case "pass":
            await test.pass(3);
            break;
          case "commit":
            await test.state.backend.commit();
            break;
          case "compact":
            store.compact(store.revision - step.back);
            break;
          case "watch": {
            const sink = new TestSink();
            sink.room = step.room;
            const keys = { from: step.from, to: step.to === "" ? `${step.from}\0` : step.to };
            const start = Math.max(1, store.revision + 1 - step.back);
            const watcher = test.watch(sink, { keys, startRevision: start });
            watches.push({ sink, watcher, start, cancelled: false });
            break;
          }
          case "read": {
            const chosen = watches[step.which];
            if (chosen === undefined) break;
            chosen.sink.room = step.room;
            test.hub.drained(chosen.sink);
            break;
          }
          case "cancel": {
            const chosen = watches[step.which];
            if (chosen === undefined) break;
            test.hub.cancel(chosen.watcher);
            chosen.cancelled = true;
          }
        }
      }
      for (const { sink } of watches) {
        sink.room = Number.POSITIVE_INFINITY;
        test.hub.drained(sink);
      }
      await test.pass(10);
      const log = recorder.seen;
      expect(recorder.seen.at(-1)?.main ?? 1).toBe(test.state.store.revision);
      for (const { sink, watcher, start, cancelled } of watches) {
        const { from, to } = watcher.keys;
        const concerns = ({ main, key }: Seen) => main >= start && key >= from && (to === undefined || key < to);
        const expected = log.filter(concerns);
        if (sink.compactedAt === undefined && !cancelled) expect(sink.seen).toEqual(expected);
        else expect(sink.seen).toEqual(expected.slice(0, sink.seen.length));
        if (sink.compactedAt === undefined) continue;
        // It was compacted for a reason: something it had not heard of is gone.
        expect(watcher.minRevision).toBeLessThan(sink.compactedAt);
        expect(sink.seen.every(({ main }) => main < watcher.minRevision)).toBe(true);
      }
    }),
    { numRuns: 400 },
  );
});
