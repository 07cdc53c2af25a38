import { describe, expect, test } from "vitest";
import { isTimeZone, parseCron } from "./expression.ts";

test("names, lists, ranges and steps become values", () => {
  const parsed = parseCron("CRON_TZ=Europe/Berlin 0,30 8-10/2 * JAN-feb MON");
  if (!parsed.ok || parsed.expression.kind !== "fields") throw new Error("it is five fields");
  const { minute, hour, dayOfMonth, month, dayOfWeek } = parsed.expression.fields;
  expect([minute, hour, month, dayOfWeek].map(({ values }) => [...values])).toEqual([[0, 30], [8, 10], [1, 2], [1]]);
  expect([dayOfMonth.any, dayOfWeek.any]).toEqual([true, false]);
  expect(parsed.expression.zone).toBe("Europe/Berlin");
});

test("@every counts whole seconds", () => {
  expect(parseCron("@every 1h30m")).toEqual({ ok: true, expression: { kind: "every", everyMs: 5_400_000 } });
  expect(parseCron("@every 20ms")).toEqual({ ok: true, expression: { kind: "every", everyMs: 1000 } });
});

describe("what robfig/cron says of what is wrong", () => {
  test.each([
    ["", "empty spec string"],
    ["* * * *", "expected exactly 5 fields, found 4: [* * * *]"],
    ["60 * * * *", "end of range (60) above maximum (59): 60"],
    ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
    ["5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"],
    ["*/0 * * * *", "step of range should be a positive number: */0"],
    ["a * * * *", "failed to parse int from a: a"],
    ["@sometimes", "unrecognized descriptor: @sometimes"],
    ["TZ=Mars/Base * * * * *", "provided bad location Mars/Base: unknown time zone Mars/Base"],
  ])("%j", (text, error) => expect(parseCron(text)).toEqual({ ok: false, error }));
});

test("zones are those of the IANA database", () => {
  expect(["UTC", "Asia/Kolkata", "Mars/Base", ""].map(isTimeZone)).toEqual([true, true, false, false]);
});
