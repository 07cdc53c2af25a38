import fc from "fast-check";
import { expect, test } from "vitest";
import { Spread } from "./spread.ts";

test("everybody gets the first second that is not full, from the one they asked for on", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3 }), fc.array(fc.nat(8), { maxLength: 60 }), (perSecond, wishes) => {
      const spread = new Spread(perSecond);
      const taken = new Map<number, number>();
      for (const wish of wishes) {
        let expected = wish;
        while (taken.get(expected) === perSecond) expected++;
        taken.set(expected, (taken.get(expected) ?? 0) + 1);
        expect(spread.take(wish)).toBe(expected);
      }
    }),
  );
});
