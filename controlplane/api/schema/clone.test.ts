import fc from "fast-check";
import { expect, test } from "vitest";
import { cloneJson } from "./clone.ts";

/** Every object and array within. */
function* within(value: unknown): Generator<object> {
  if (typeof value !== "object" || value === null) return;
  yield value;
  for (const inner of Object.values(value)) yield* within(inner);
}

test("a clone is equal and shares nothing", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const clone = cloneJson(value);
      expect(clone).toEqual(value);
      const originals = new Set(within(value));
      for (const inner of within(clone)) expect(originals.has(inner)).toBe(false);
    }),
  );
});

test("a key named __proto__ is a key", () => {
  const data = JSON.parse('{"data":{"__proto__":{"a":"b"}}}') as object;
  const clone = cloneJson(data);
  expect(JSON.stringify(clone)).toBe('{"data":{"__proto__":{"a":"b"}}}');
  expect(Object.getPrototypeOf((clone as { data: object }).data)).toBe(Object.prototype);
});
