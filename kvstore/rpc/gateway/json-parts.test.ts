import { expect, test } from "vitest";
import { JsonParts } from "./json-parts.ts";

test("fields that come in parts make the object that they are together", () => {
  const parts = new JsonParts();
  const text = [
    parts.add({ header: { revision: "2" } }),
    parts.add({ kvs: [{ key: "a" }, { key: "b" }] }),
    parts.add({}),
    parts.add({ kvs: [] }),
    parts.add({ kvs: [{ key: "c" }] }),
    parts.add({ more: true, names: ["x"], count: "9" }),
    parts.end(),
  ].join("");
  expect(text).toBe(
    '{"header":{"revision":"2"},"kvs":[{"key":"a"},{"key":"b"},{"key":"c"}],"more":true,"names":["x"],"count":"9"}',
  );
});

test("nothing is an empty object, and a list may come last", () => {
  expect(new JsonParts().end()).toBe("{}");
  const parts = new JsonParts();
  expect(parts.add({ kvs: [1] }) + parts.end()).toBe('{"kvs":[1]}');
});
