import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareBytes, toUtf8 } from "../../base/mod.ts";
import { IntervalUnion, isValidPermissionRange, type KeyInterval, keyInterval } from "./permissions.ts";

const openEnd = "\0";

function interval(text: string): KeyInterval {
  const [key = "", rangeEnd = ""] = text.split("..");
  return keyInterval(toUtf8(key), toUtf8(rangeEnd === "∞" ? openEnd : rangeEnd));
}

describe("what is granted in parts is granted as a whole", () => {
  test.each([
    { granted: "a..c", asked: "a..c", covered: true },
    { granted: "a..c", asked: "b", covered: true },
    { granted: "a..c", asked: "c", covered: false },
    { granted: "a..c", asked: "a..d", covered: false },
    { granted: "a..c", asked: "a..∞", covered: false },
    { granted: "a..b b..c", asked: "a..c", covered: true },
    { granted: "b..d a..c", asked: "a..d", covered: true },
    { granted: "a..b c..d", asked: "a..d", covered: false },
    { granted: "a b", asked: "a..b", covered: false },
    { granted: "a", asked: "a..a\0", covered: true },
    { granted: "a a\0", asked: "a..a\0\0", covered: true },
    { granted: "a..∞", asked: "b..∞", covered: true },
    { granted: "a..b b..∞", asked: "a..∞", covered: true },
    { granted: "\0..∞", asked: "\0..∞", covered: true },
    { granted: "a..c x..∞", asked: "a..y", covered: false },
    // Ranges that hold nothing: both ends have to lie in what is granted all the same.
    { granted: "a..c", asked: "b..b", covered: true },
    { granted: "a..c", asked: "x..b", covered: false },
  ])("$granted: $asked is covered: $covered", ({ granted, asked, covered }) => {
    expect(new IntervalUnion(granted.split(" ").map(interval)).covers(interval(asked))).toBe(covered);
  });
});

/** Between two neighbours among all ends that occur, each interval holds all keys or none: to look at the ends is to look at all. */
function naivelyCovers(granted: readonly KeyInterval[], asked: KeyInterval): boolean {
  const ends = [...granted, asked].flatMap(({ from, to }) => (to === undefined ? [from] : [from, to]));
  const holds = ({ from, to }: KeyInterval, key: Uint8Array) =>
    compareBytes(from, key) <= 0 && (to === undefined || compareBytes(key, to) < 0);
  const inAll = ends.filter((key) => holds(asked, key)).every((key) => granted.some((one) => holds(one, key)));
  return inAll && (asked.to !== undefined || granted.some(({ to }) => to === undefined));
}

test("agrees with looking at every key", () => {
  const key = fc
    .array(fc.constantFrom(0, 97, 98, 255), { minLength: 1, maxLength: 3 })
    .map((ks) => Uint8Array.from(ks));
  const rangeEnd = fc.oneof(fc.constant(new Uint8Array(0)), fc.constant(Uint8Array.of(0)), key);
  const range = fc.tuple(key, rangeEnd).filter(([from, to]) => isValidPermissionRange(from, to));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 8 }), range, (permissions, [from, to]) => {
      const granted = permissions.map(([key, end]) => keyInterval(key, end));
      const asked = keyInterval(from, to);
      expect(new IntervalUnion(granted).covers(asked)).toBe(naivelyCovers(granted, asked));
    }),
    { numRuns: 3000 },
  );
});

test("a permission has to hold a key", () => {
  const isValid = (key: string, rangeEnd: string) => isValidPermissionRange(toUtf8(key), toUtf8(rangeEnd));
  expect(isValid("a", "")).toBe(true);
  expect(isValid("a", "b")).toBe(true);
  expect(isValid("\0", "\0")).toBe(true);
  expect(isValid("", "")).toBe(false);
  expect(isValid("b", "a")).toBe(false);
  expect(isValid("a", "a")).toBe(false);
});
