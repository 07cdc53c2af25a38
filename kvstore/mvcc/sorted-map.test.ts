import fc from "fast-check";
import { expect, test } from "vitest";
import { SortedMap } from "./sorted-map.ts";

/** Enough keys for a tree of three levels. */
const key = fc.nat(9999).map((number) => String(number).padStart(4, "0"));

function keysIn(map: SortedMap<string>, from: string, to: string | undefined): string[] {
  const found: string[] = [];
  map.visit(from, to, (_, key) => found.push(key) > 0);
  return found;
}

test("behaves like a sorted array whose entries have weights", () => {
  const changes = fc.array(fc.record({ key, what: fc.constantFrom("insert", "insert", "delete", "weigh") }), {
    minLength: 3000,
    maxLength: 8000,
    size: "max",
  });
  fc.assert(
    fc.property(changes, fc.array(fc.tuple(key, fc.option(key, { nil: undefined }))), (steps, ranges) => {
      const map = new SortedMap<string>();
      const model = new Map<string, number>();
      for (const { key, what } of steps) {
        if (what === "insert") {
          let created = false;
          const value = map.getOrInsert(key, 1, () => {
            created = true;
            return `value of ${key}`;
          });
          expect([created, value]).toEqual([!model.has(key), `value of ${key}`]);
          if (created) model.set(key, 1);
        } else if (what === "delete" && model.has(key)) {
          map.delete(key);
          model.delete(key);
        } else if (what === "weigh" && model.has(key)) {
          map.setWeight(key, 0);
          model.set(key, 0);
        }
      }
      const sorted = [...model.keys()].sort();
      expect(map.size).toBe(model.size);
      expect(keysIn(map, "", undefined)).toEqual(sorted);
      for (const [from, to] of ranges) {
        const expected = sorted.filter((key) => key >= from && (to === undefined || key < to));
        expect(keysIn(map, from, to)).toEqual(expected);
        const weight = expected.reduce((sum, key) => sum + (model.get(key) as number), 0);
        expect(map.weightBetween(from, to)).toBe(weight);
        expect(map.get(from)).toBe(model.has(from) ? `value of ${from}` : undefined);
      }
    }),
    { numRuns: 20 },
  );
});

test("empties and fills again", () => {
  const map = new SortedMap<number>();
  const keys = Array.from({ length: 5000 }, (_, i) => String(i).padStart(4, "0"));
  for (let round = 0; round < 2; round++) {
    for (const key of keys) map.getOrInsert(key, 1, () => 0);
    expect(map.weight).toBe(5000);
    for (const key of keys) map.delete(key);
    expect([map.size, map.weight]).toEqual([0, 0]);
  }
});
