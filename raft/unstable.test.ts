import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { entry, snapshotAt } from "./node.testing.ts";
import { Unstable } from "./unstable.ts";

describe("durability is credited to what was written", () => {
  test("in order, up to the write reported", () => {
    const unstable = new Unstable(1);
    unstable.truncateAndAppend([entry(1, 1), entry(1, 2)]);
    unstable.handOut(1);
    unstable.truncateAndAppend([entry(1, 3)]);
    expect(unstable.handOut(2).entries).toEqual([entry(1, 3)]);
    unstable.persisted(1);
    expect([unstable.offset, unstable.lastIndex]).toEqual([3, 3]);
    unstable.persisted(2);
    expect([unstable.offset, unstable.lastIndex]).toEqual([4, 3]);
  });

  // Leader A's entries, overwritten by C's, then A's again, while the disk is busy with the first.
  test("not to an equal entry that came later (ABA)", () => {
    const unstable = new Unstable(1);
    unstable.truncateAndAppend([entry(1, 1), entry(1, 2)]);
    unstable.handOut(1);
    unstable.truncateAndAppend([entry(2, 2)]);
    unstable.handOut(2);
    unstable.truncateAndAppend([entry(1, 2)]);
    unstable.handOut(3);
    unstable.persisted(1);
    expect(unstable.offset).toBe(2);
    unstable.persisted(2);
    expect(unstable.offset).toBe(2);
    unstable.persisted(3);
    expect(unstable.offset).toBe(3);
  });

  test("not to entries behind a snapshot that came meanwhile", () => {
    const unstable = new Unstable(1);
    unstable.truncateAndAppend([entry(1, 1), entry(1, 2)]);
    unstable.handOut(1);
    const snapshot = snapshotAt(2, 1, [1n]);
    unstable.restore(snapshot);
    unstable.truncateAndAppend([entry(2, 2)]);
    expect(unstable.handOut(2)).toEqual({ entries: [entry(2, 2)], snapshot });
    unstable.persisted(1);
    expect([unstable.offset, unstable.snapshot]).toEqual([2, snapshot]);
    unstable.persisted(2);
    expect([unstable.offset, unstable.snapshot]).toEqual([3, undefined]);
  });

  test("whatever is cut and written again: only what the disk holds counts", () => {
    const step = fc.oneof(
      fc.record({ cut: fc.nat(3), count: fc.integer({ min: 1, max: 3 }) }),
      fc.constant("hand out"),
      fc.constant("finish a write"),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const unstable = new Unstable(1);
        const disk: number[] = []; // the terms written, by index
        const writes: { number: number; entries: readonly { index: number; term: number }[] }[] = [];
        const log: number[] = [];
        let number = 0;
        let term = 0;
        for (const step of steps) {
          if (step === "hand out") {
            const { entries } = unstable.handOut(++number);
            writes.push({ number, entries });
          } else if (step === "finish a write") {
            const write = writes.shift();
            if (write === undefined) continue;
            for (const { index, term } of write.entries) disk.splice(index - 1, Number.POSITIVE_INFINITY, term);
            unstable.persisted(write.number);
          } else {
            term++;
            const from = Math.max(0, log.length - step.cut);
            const added = Array.from({ length: step.count }, (_, i) => entry(term, from + 1 + i));
            log.splice(from, Number.POSITIVE_INFINITY, ...added.map((e) => e.term));
            unstable.truncateAndAppend(added);
          }
          for (let index = 1; index < unstable.offset; index++) expect(disk[index - 1]).toBe(log[index - 1]);
        }
      }),
    );
  });
});
