import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../base/mod.ts";
import { elapse, settle } from "./elapse.testing.ts";
import { type WorkItem, WorkQueue } from "./work-queue.ts";

async function next(items: AsyncGenerator<WorkItem, void>): Promise<WorkItem> {
  const { value } = await items.next();
  if (value === undefined) throw new Error("the queue ended");
  return value;
}

describe("a key", () => {
  test("that is added often while it waits is handed out once", async () => {
    const queue = new WorkQueue({ clock: new VirtualClock() });
    for (const key of ["a", "b", "a", "a"]) queue.add(key);
    queue.shutDown();
    const seen: string[] = [];
    for await (const item of queue.take()) {
      using lease = item;
      seen.push(lease.key);
    }
    expect(seen).toEqual(["a", "b"]);
  });

  test("that is added while under work comes again, but only after that work", async () => {
    const queue = new WorkQueue({ clock: new VirtualClock() });
    const [one, two] = [queue.take(), queue.take()];
    queue.add("a");
    const first = await next(one);
    queue.add("a");
    const second = next(two);
    let again = false;
    void second.then(() => {
      again = true;
    });
    await settle();
    expect(again).toBe(false);
    first[Symbol.dispose]();
    expect((await second).key).toBe("a");
  });

  test("whose work fails comes back after 5 ms, then 10, 20, … until it succeeds", async () => {
    const clock = new VirtualClock();
    const failures: number[] = [];
    const queue = new WorkQueue({ clock, onFailure: (_key, _error, count) => failures.push(count) });
    const items = queue.take();
    queue.add("a");
    for (const delayMs of [5, 10, 20, 40]) {
      const item = await next(items);
      await item.settle(Promise.reject(new Error("no")));
      item[Symbol.dispose]();
      await elapse(clock, delayMs - 1);
      expect(queue.size).toBe(0);
      await elapse(clock, 1);
      expect(queue.size).toBe(1);
    }
    const item = await next(items);
    await item.settle(Promise.resolve(undefined));
    expect(queue.failures("a")).toBe(0);
    expect(failures).toEqual([1, 2, 3, 4]);
  });

  test("never waits longer than 1,000 s", () => {
    const clock = new VirtualClock();
    const queue = new WorkQueue({ clock });
    for (let i = 0; i < 60; i++) queue.addRateLimited("a");
    clock.advance(1_000_000);
    expect(queue.size).toBe(1);
  });

  test("with several delays comes after the shortest, once", () => {
    const clock = new VirtualClock();
    const queue = new WorkQueue({ clock });
    queue.addAfter("a", 300);
    queue.addAfter("a", 100);
    queue.addAfter("a", 200);
    clock.advance(99);
    expect(queue.size).toBe(0);
    clock.advance(1);
    expect(queue.size).toBe(1);
    clock.advance(1000);
    expect(queue.size).toBe(1);
  });

  test("that asks to be requeued comes back then", async () => {
    const clock = new VirtualClock();
    const queue = new WorkQueue({ clock });
    queue.add("a");
    const item = await next(queue.take());
    await item.settle(Promise.resolve({ afterMs: 50 }));
    item[Symbol.dispose]();
    clock.advance(50);
    expect(queue.size).toBe(1);
  });
});

describe("shutting down", () => {
  test("hands out what is ready, drops what is delayed, takes nothing new", async () => {
    const clock = new VirtualClock();
    const queue = new WorkQueue({ clock });
    queue.add("ready");
    queue.addAfter("later", 10);
    queue.shutDown();
    queue.add("new");
    clock.advance(10);
    const seen: string[] = [];
    for await (const { key } of queue.take()) seen.push(key);
    expect(seen).toEqual(["ready"]);
  });

  test("an aborted worker does not swallow the wake-up of another", async () => {
    const queue = new WorkQueue({ clock: new VirtualClock() });
    const aborter = new AbortController();
    const gone = queue.take(aborter.signal).next();
    const stays = queue.take().next();
    await settle();
    aborter.abort();
    queue.add("a");
    expect((await gone).done).toBe(true);
    expect((await stays).value).toMatchObject({ key: "a" });
  });
});

test("whatever is added whenever: no key is worked on twice at once, and none is forgotten", async () => {
  const additions = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.nat(20)), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(additions, fc.integer({ min: 1, max: 4 }), async (steps, workers) => {
      const clock = new VirtualClock();
      const queue = new WorkQueue({ clock });
      const busy = new Set<string>();
      const lastLook = new Map<string, number>();
      const lastAdd = new Map<string, number>();
      let moment = 0;
      const work = async () => {
        for await (const item of queue.take()) {
          using lease = item;
          expect(busy.has(lease.key), "one key is never worked on twice at once").toBe(false);
          busy.add(lease.key);
          lastLook.set(lease.key, ++moment);
          await new Promise<void>((resolve) => clock.after(7, resolve));
          busy.delete(lease.key);
        }
      };
      const running = Promise.all(Array.from({ length: workers }, work));
      for (const [key, waitMs] of steps) {
        lastAdd.set(key, ++moment);
        queue.add(key);
        clock.advance(waitMs);
        await Promise.resolve();
      }
      queue.shutDown();
      await elapse(clock, 7 * 50, 7);
      await running;
      for (const [key, at] of lastAdd)
        expect(lastLook.get(key), `${key} was looked at after it was added`).toBeGreaterThan(at);
    }),
    { numRuns: 30 },
  );
});
