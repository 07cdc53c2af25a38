import fc from "fast-check";
import { expect, test } from "vitest";
import { toUtf8 } from "../../../base/mod.ts";
import { JsonStream, TooLong } from "./json-stream.ts";

test("values come out whole, wherever the text is cut and whatever stands between them", () => {
  const value = fc.oneof(fc.object({ maxDepth: 3 }), fc.array(fc.jsonValue()));
  const gap = fc.constantFrom("", "\n", " \r\n\t");
  fc.assert(
    fc.property(fc.array(fc.tuple(value, gap)), fc.array(fc.nat()), (parts, cuts) => {
      const bytes = toUtf8(parts.map(([json, space]) => JSON.stringify(json) + space).join(""));
      const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
      const stream = new JsonStream(1_000_000);
      const found = at.slice(1).flatMap((end, i) => [...stream.push(bytes.subarray(at[i], end))]);
      expect(found).toEqual(parts.map(([json]) => JSON.stringify(json)));
      expect(stream.end()).toBeUndefined();
    }),
  );
});

test("what does not end is left over, and what is too long is refused", () => {
  const stream = new JsonStream(10);
  expect([...stream.push('{"a":"}')]).toEqual([]);
  expect(stream.end()).toBe('{"a":"}');
  expect(() => [...stream.push("x".repeat(10))]).toThrow(TooLong);
});
