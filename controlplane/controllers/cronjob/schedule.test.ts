import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSchedule, type Schedule } from "./schedule.ts";
import { TimeZone } from "./time-zone.ts";

function schedule(text: string, zone = "UTC"): Schedule {
  const result = parseSchedule(text, zone);
  if (!result.ok) throw new Error(result.error);
  return result.schedule;
}

function next(text: string, after: string, count = 1, zone = "UTC"): string[] {
  const found: string[] = [];
  let at = Date.parse(after);
  for (let i = 0; i < count; i++) {
    const time = schedule(text, zone).next(at);
    if (time === undefined) return [...found, "never"];
    at = time;
    found.push(new TimeZone(zone).format(at));
  }
  return found;
}

test.each([
  ["* * * * *", "2030-01-01T00:00:00Z", ["2030-01-01T00:01:00Z", "2030-01-01T00:02:00Z"]],
  ["*/15 * * * *", "2030-01-01T00:50:01Z", ["2030-01-01T01:00:00Z", "2030-01-01T01:15:00Z"]],
  ["5/20 * * * *", "2030-01-01T00:00:00Z", ["2030-01-01T00:05:00Z", "2030-01-01T00:25:00Z", "2030-01-01T00:45:00Z"]],
  ["0 9-17/4 * * mon-fri", "2030-01-04T13:00:00Z", ["2030-01-04T17:00:00Z", "2030-01-07T09:00:00Z"]],
  ["30 4 1,15 * 5", "2030-01-01T04:30:00Z", ["2030-01-04T04:30:00Z", "2030-01-11T04:30:00Z", "2030-01-15T04:30:00Z"]],
  ["0 0 */2 * 1", "2030-01-01T00:00:00Z", ["2030-01-03T00:00:00Z", "2030-01-05T00:00:00Z", "2030-01-07T00:00:00Z"]],
  ["0 0 29 FEB ?", "2030-01-01T00:00:00Z", ["2032-02-29T00:00:00Z"]],
  ["0 0 31 2 *", "2030-01-01T00:00:00Z", ["never"]],
  ["@yearly", "2030-06-01T00:00:00Z", ["2031-01-01T00:00:00Z"]],
  ["@monthly", "2030-12-05T00:00:00Z", ["2031-01-01T00:00:00Z"]],
  ["@weekly", "2030-01-01T00:00:00Z", ["2030-01-06T00:00:00Z"]],
  ["@midnight", "2030-01-01T00:00:00Z", ["2030-01-02T00:00:00Z"]],
  ["@hourly", "2030-01-01T00:00:00Z", ["2030-01-01T01:00:00Z"]],
  ["@every 1h30m", "2030-01-01T00:00:10Z", ["2030-01-01T01:30:10Z"]],
])("%s after %s", (text, after, expected) => {
  expect(next(text, after, expected.length)).toEqual(expected);
});

describe("where the clock changes", () => {
  test("a time that is skipped does not happen that day", () => {
    expect(next("30 2 * * *", "2030-03-09T12:00:00Z", 2, "America/New_York")).toEqual([
      "2030-03-11T02:30:00-04:00",
      "2030-03-12T02:30:00-04:00",
    ]);
  });
  test("a time that comes twice happens twice", () => {
    expect(next("30 1 * * *", "2030-11-03T04:00:00Z", 3, "America/New_York")).toEqual([
      "2030-11-03T01:30:00-04:00",
      "2030-11-03T01:30:00-05:00",
      "2030-11-04T01:30:00-05:00",
    ]);
  });
  test("a day without a midnight begins an hour later", () => {
    expect(next("0 0 * * *", "2018-11-03T04:00:00Z", 2, "America/Sao_Paulo")).toEqual([
      "2018-11-05T00:00:00-02:00",
      "2018-11-06T00:00:00-02:00",
    ]);
  });
  test("the zone may stand before the expression", () => {
    const at = schedule("CRON_TZ=Asia/Kathmandu 0 6 * * *").next(Date.parse("2030-01-01T00:00:00Z"));
    expect(new Date(at ?? 0).toISOString()).toBe("2030-01-01T00:15:00.000Z");
  });
});

test.each([
  ["", "empty spec string"],
  ["* * * *", "expected exactly 5 fields, found 4: [* * * *]"],
  ["60 * * * *", "end of range (60) above maximum (59): 60"],
  ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
  ["5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"],
  ["*/0 * * * *", "step of range should be a positive number: */0"],
  ["x * * * *", "failed to parse int from x: x"],
  ["@never", "unrecognized descriptor: @never"],
  ["TZ=Nowhere/City * * * * *", "provided bad location Nowhere/City: unknown time zone Nowhere/City"],
])("%s is refused: %s", (text, error) => {
  expect(parseSchedule(text, "UTC")).toEqual({ ok: false, error });
});

test("the next time is the first minute that matches, in UTC", () => {
  const field = (min: number, max: number) =>
    fc.oneof(
      fc.constant("*"),
      fc.integer({ min, max }).map(String),
      fc.integer({ min: 2, max: 20 }).map((step) => `*/${step}`),
    );
  const fields = fc.tuple(field(0, 59), field(0, 23), field(1, 28), fc.constant("*"), field(0, 6));
  fc.assert(
    fc.property(fields, fc.nat(1_000_000), (parts, minutes) => {
      const from = Date.UTC(2030, 0, 1) + minutes * 60_000;
      const at = schedule(parts.join(" ")).next(from) ?? 0;
      const matches = (ms: number) => {
        const date = new Date(ms);
        const hit = (text: string, value: number, min: number) =>
          text === "*" ||
          (text.startsWith("*/") ? (value - min) % Number(text.slice(2)) === 0 : Number(text) === value);
        const [minute, hour, day, , weekday] = parts;
        const [byMonth, byWeek] = [hit(day, date.getUTCDate(), 1), hit(weekday, date.getUTCDay(), 0)];
        const onDay = day === "*" || weekday === "*" ? byMonth && byWeek : byMonth || byWeek;
        return hit(minute, date.getUTCMinutes(), 0) && hit(hour, date.getUTCHours(), 0) && onDay;
      };
      expect(matches(at)).toBe(true);
      for (let ms = Math.max(from + 60_000, at - 3000 * 60_000); ms < at; ms += 60_000) expect(matches(ms)).toBe(false);
    }),
    { numRuns: 60 },
  );
});
