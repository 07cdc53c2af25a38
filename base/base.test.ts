import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareBytes, fromUtf8, Heap, pause, Ring, Syncer, seededRandom, toUtf8, VirtualClock } from "./mod.ts";

describe("Heap", () => {
  test("gives back what was pushed, least first", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (numbers) => {
        const heap = new Heap<number>((a, b) => a - b);
        for (const number of numbers) heap.push(number);
        const popped = numbers.map(() => heap.pop());
        expect(popped).toEqual([...numbers].sort((a, b) => a - b));
        expect(heap.pop()).toBeUndefined();
      }),
    );
  });
});

describe("Ring", () => {
  test("behaves like an array with push and shift", () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.integer())), (steps) => {
        const ring = new Ring<number>();
        const model: number[] = [];
        for (const step of steps) {
          if (step === null) expect(ring.shift()).toBe(model.shift());
          else {
            ring.push(step);
            model.push(step);
          }
          expect([...ring]).toEqual(model);
          expect(ring.peek()).toBe(model[0]);
        }
      }),
    );
  });
});

describe("bytes", () => {
  test("compare like Buffer.compare", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b));
      }),
    );
  });

  test("text survives the way to UTF-8 and back, byte order mark included", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(fromUtf8(toUtf8(`\uFEFF${text}`))).toBe(`\uFEFF${text}`);
      }),
    );
  });
});

describe("VirtualClock", () => {
  test("fires alarms in order of time, then of setting, and not the cancelled ones", () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    clock.after(20, () => fired.push("late"));
    clock.after(10, () => fired.push("first"));
    clock.after(10, () => clock.after(5, () => fired.push(`nested at ${clock.monotonic()}`)));
    clock.after(12, () => fired.push("cancelled")).cancel();
    clock.advance(19);
    expect(fired).toEqual(["first", "nested at 15"]);
    clock.advance(1);
    expect(fired).toEqual(["first", "nested at 15", "late"]);
  });
});

test("a pause is over when its time has come, and not before", async () => {
  const clock = new VirtualClock();
  let over = false;
  const waiting = pause(clock, 100).then(() => {
    over = true;
  });
  clock.advance(99);
  await Promise.resolve();
  expect(over).toBe(false);
  clock.advance(1);
  await waiting;
});

test("seeded random repeats itself and stays below its bound", () => {
  const [a, b] = [seededRandom(42), seededRandom(42)];
  for (let i = 0; i < 1000; i++) {
    const drawn = a.below(7);
    expect(drawn).toBe(b.below(7));
    expect(drawn).toBeGreaterThanOrEqual(0);
    expect(drawn).toBeLessThan(7);
  }
});

describe("Syncer", () => {
  const options = (clock: VirtualClock) => ({
    clock,
    log: () => undefined,
    complaint: "could not apply it",
    gatherMs: 10,
    retryMs: 1_000,
  });

  test("applies changes that come together once, one application at a time, the newest state last", async () => {
    const clock = new VirtualClock();
    const applied: number[] = [];
    let state = 0;
    let running = 0;
    const syncer = new Syncer(async () => {
      expect(++running).toBe(1);
      await Promise.resolve();
      applied.push(state);
      running--;
    }, options(clock));
    for (state = 1; state < 4; state++) syncer.changed();
    clock.advance(10);
    state = 5;
    syncer.changed();
    clock.advance(10);
    await syncer.now();
    expect(applied).toEqual([5, 5, 5]);
  });

  test("tries again after a failure, and not at all once stopped", async () => {
    const clock = new VirtualClock();
    let attempts = 0;
    const syncer = new Syncer(async () => {
      attempts++;
      throw new Error("no");
    }, options(clock));
    await syncer.now();
    clock.advance(1_000);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    expect(attempts).toBe(2);
    await syncer.stop();
    clock.advance(10_000);
    await syncer.now();
    expect(attempts).toBe(2);
  });
});
