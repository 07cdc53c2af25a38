import fc from "fast-check";
import { expect, test } from "vitest";
import { formatMicroTime, formatTime, microTimeAt, millisecondsOf, parseInstant, timeAt } from "./time.ts";

test.each([
  ["2026-11-23T06:00:00Z", "2026-11-23T06:00:00Z"],
  ["2026-11-23T06:00:00.999Z", "2026-11-23T06:00:00Z"],
  ["2026-11-23T07:30:00+01:30", "2026-11-23T06:00:00Z"],
  ["2024-02-29T00:00:00-00:00", "2024-02-29T00:00:00Z"],
])("%s is kept as %s", (text, kept) => {
  const instant = parseInstant(text);
  expect(instant && formatTime(instant)).toBe(kept);
});

test.each([
  "2026-11-23",
  "2026-13-01T00:00:00Z",
  "2025-02-29T00:00:00Z",
  "2026-01-01T24:00:00Z",
  "2026-01-01 00:00:00Z",
  "",
])("%j is no instant", (text) => expect(parseInstant(text)).toBeUndefined());

test("MicroTime keeps six decimals", () => {
  const instant = parseInstant("2026-11-23T06:00:00.1234567Z");
  expect(instant && formatMicroTime(instant)).toBe("2026-11-23T06:00:00.123456Z");
});

test("milliseconds survive the way through MicroTime, seconds the way through Time", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), (milliseconds) => {
      expect(millisecondsOf(microTimeAt(milliseconds))).toBe(milliseconds);
      expect(millisecondsOf(timeAt(milliseconds))).toBe(Math.floor(milliseconds / 1000) * 1000);
    }),
  );
});
