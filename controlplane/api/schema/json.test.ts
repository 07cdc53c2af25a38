import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJson } from "./json.ts";

test("reads what JSON.stringify wrote", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(parseJson(text)).toEqual({ ok: true, value: JSON.parse(text), duplicates: [] });
    }),
  );
});

test("accepts and refuses what JSON.parse does", () => {
  const fragments = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"a"',
    '"\\u0041"',
    "1",
    "-0.5e3",
    "01",
    "true",
    "nul",
    " ",
    '"',
    "\\",
  );
  fc.assert(
    fc.property(fc.array(fragments, { maxLength: 8 }), (parts) => {
      const text = parts.join("");
      let accepted = true;
      try {
        JSON.parse(text);
      } catch {
        accepted = false;
      }
      expect(parseJson(text).ok).toBe(accepted);
    }),
  );
});

test("the last of equal keys wins, and the others are told with their paths", () => {
  expect(parseJson('{"spec":{"ports":[{"name":"a","name":"b"}],"replicas":1,"replicas":2}}')).toEqual({
    ok: true,
    value: { spec: { ports: [{ name: "b" }], replicas: 2 } },
    duplicates: ["spec.ports[0].name", "spec.replicas"],
  });
});

test("a key named __proto__ is a key like any other", () => {
  const parsed = parseJson('{"__proto__":{"polluted":true}}');
  const value = (parsed as { value: object }).value;
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  expect(Object.keys(value)).toEqual(["__proto__"]);
});

describe("syntax errors are told in Go's words", () => {
  test.each([
    ['{"a":', "unexpected end of JSON input"],
    ['{"a":x}', "invalid character 'x' looking for beginning of value"],
    ["{a:1}", "invalid character 'a' looking for beginning of object key string"],
    ['{"a" 1}', "invalid character '1' after object key"],
    ['{"a":1 "b"}', "invalid character '\"' after object key:value pair"],
    ["[1 2]", "invalid character '2' after array element"],
    ["1 2", "invalid character '2' after top-level value"],
    ['"\\x"', "invalid character 'x' in string escape code"],
  ])("%s", (text, message) => expect(parseJson(text)).toEqual({ ok: false, message }));
});
