import fc from "fast-check";
import { expect, test } from "vitest";
import { Alarm, ExpiryQueue } from "./expiry.ts";

test("takes what is due, once, however often it was moved", () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ set: fc.nat(9), inMs: fc.integer({ min: -700, max: 4000 }) }) },
    { weight: 1, arbitrary: fc.record({ delete: fc.nat(9) }) },
    { weight: 4, arbitrary: fc.record({ passMs: fc.nat(1500), limit: fc.integer({ min: 1, max: 4 }) }) },
    { weight: 1, arbitrary: fc.constant({ clear: true }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new ExpiryQueue();
      const alarms = Array.from({ length: 10 }, (_, i) => new Alarm(BigInt(i)));
      const due = new Map<bigint, number>();
      let nowMs = 10_000;
      for (const step of steps) {
        if ("set" in step) {
          const alarm = alarms[step.set] as Alarm;
          queue.set(alarm, nowMs + step.inMs);
          due.set(alarm.id, nowMs + step.inMs);
        } else if ("delete" in step) {
          const alarm = alarms[step.delete] as Alarm;
          queue.delete(alarm);
          due.delete(alarm.id);
        } else if ("passMs" in step) {
          nowMs += step.passMs;
          const expected = [...due].filter(([, atMs]) => atMs <= nowMs).map(([id]) => id);
          const taken = queue.takeDue(nowMs, step.limit);
          expect(taken.length).toBe(Math.min(step.limit, expected.length));
          for (const id of taken) {
            expect(expected).toContain(id);
            expect(due.delete(id)).toBe(true);
          }
        } else {
          queue.clear();
          due.clear();
        }
      }
    }),
    { numRuns: 500 },
  );
});

test("the longest overdue come first", () => {
  const queue = new ExpiryQueue();
  for (const [id, atMs] of [
    [1n, 5000],
    [2n, 1000],
    [3n, 3000],
  ] as const)
    queue.set(new Alarm(id), atMs);
  expect(queue.takeDue(9000, 2)).toEqual([2n, 3n]);
  expect(queue.takeDue(9000, 2)).toEqual([1n]);
});
