import fc from "fast-check";
import { expect, test } from "vitest";
import { toUtf8 } from "../../../base/mod.ts";
import { JsonError } from "./json-scalar.ts";
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

test.each([
  ["lists within lists", "[".repeat(1001)],
  ["objects within objects", '{"a":'.repeat(1001)],
  ["many small values", `[${"{},".repeat(100_000)}`],
])("%s are refused before anybody reads them", (_, text) => {
  expect(() => [...new JsonStream(10_000_000).push(text)]).toThrow(JsonError);
});

test("the parts of one value do not count for the next, nor do those in texts", () => {
  const [many, text] = [`[${"0,".repeat(30_000)}0]`, JSON.stringify({ a: "[{,:".repeat(30_000) })];
  expect([...new JsonStream(10_000_000).push(many + many + text)]).toEqual([many, many, text]);
});
