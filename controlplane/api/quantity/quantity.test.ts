import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Quantity } from "./quantity.ts";

const canonical = (text: string) => Quantity.parse(text)?.toString();

describe("canonical form", () => {
  test.each([
    ["0.5", "500m"],
    ["1000m", "1"],
    ["1.2k", "1200"],
    ["12000", "12k"],
    ["1024Mi", "1Gi"],
    ["1.5Gi", "1536Mi"],
    ["0.5Ki", "512"],
    ["0.9765625Ki", "1k"],
    ["1500Ki", "1500Ki"],
    ["1e3", "1e3"],
    ["1500e-3", "1500e-3"],
    ["1E", "1E"],
    ["-1500m", "-1500m"],
    ["+2", "2"],
    [".5", "500m"],
    ["0Mi", "0"],
    ["100u", "100u"],
  ])("%s is written %s", (text, expected) => expect(canonical(text)).toBe(expected));

  test("what is finer than a billionth is rounded away from zero", () => {
    expect(canonical("0.0000000001")).toBe("1n");
    expect(canonical("-0.0000000001")).toBe("-1n");
  });

  test.each(["", "x", "1x", "1 Gi", "1e", "Ki", "1.2.3", "--1", "1Kii", "0x10"])("%j is not a quantity", (text) =>
    expect(Quantity.parse(text)).toBeUndefined(),
  );
});

test("values are rounded up to the unit asked for, so that nobody gets less than they asked for", () => {
  expect(Quantity.of("1500m").value()).toBe(2);
  expect(Quantity.of("100u").milliValue()).toBe(1);
  expect(Quantity.of("2Gi").value()).toBe(2 * 1024 ** 3);
});

test("a sum is written as its first part is", () => {
  expect(Quantity.of("1Gi").add(Quantity.of("1024")).toString()).toBe("1048577Ki");
  expect(Quantity.of("1").add(Quantity.of("250m")).toString()).toBe("1250m");
  expect(Quantity.zero.add(Quantity.of("2Mi")).toString()).toBe("2Mi");
  expect(Quantity.of("1").subtract(Quantity.of("1500m")).toString()).toBe("-500m");
});

const quantities = fc
  .tuple(
    fc.integer({ min: -1_000_000, max: 1_000_000 }),
    fc.constantFrom("", "m", "k", "M", "Ki", "Mi", "Gi", "e3", "n"),
  )
  .map(([amount, suffix]) => `${amount}${suffix}`);

test("canonical text stands for the same amount, and is its own canonical text", () => {
  fc.assert(
    fc.property(quantities, (text) => {
      const quantity = Quantity.of(text);
      const again = Quantity.parse(quantity.toString());
      expect(again?.nanos).toBe(quantity.nanos);
      expect(again?.toString()).toBe(quantity.toString());
    }),
  );
});

test("order agrees with differences", () => {
  fc.assert(
    fc.property(quantities, quantities, (a, b) => {
      const [left, right] = [Quantity.of(a), Quantity.of(b)];
      const difference = left.subtract(right);
      expect(Math.sign(left.compare(right))).toBe(Math.sign(difference.compare(Quantity.zero)));
      expect(right.add(difference).nanos).toBe(left.nanos);
    }),
  );
});
