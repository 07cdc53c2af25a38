import { expect, test } from "vitest";
import { CatchUp } from "./catch-up.ts";

const electionMs = 1000;

/** What a learner that takes `perSecond` entries is told about, second by second, while the log grows by `growth`. */
function secondsUntilKeptUp(behind: number, perSecond: number, growth: number, limit = 100): number | undefined {
  let [match, last] = [0, behind];
  const catchUp = new CatchUp(electionMs, last, 0);
  for (let tick = 1; tick <= 10 * limit; tick++) {
    last += growth / 10;
    match = Math.min(last, match + perSecond / 10);
    if (catchUp.keptUp(match, last, tick * 100)) return tick / 10;
  }
  return undefined;
}

test("a learner that lacks a lot is not ready when it has that: in the meantime there is more", () => {
  expect(secondsUntilKeptUp(10_000, 1000, 900)).toBeGreaterThan(10_000 / 1000);
});

test("rounds get shorter as long as it is faster than the log; then it is ready", () => {
  const soon = secondsUntilKeptUp(10_000, 1000, 100) as number;
  const later = secondsUntilKeptUp(10_000, 1000, 500) as number;
  expect(soon).toBeLessThan(later);
  expect(later).toBeLessThan(30);
});

test("one that is slower than the log never is", () => {
  expect(secondsUntilKeptUp(10_000, 500, 1000)).toBeUndefined();
});

test("one that has everything is ready at once", () => {
  expect(new CatchUp(electionMs, 5, 0).keptUp(5, 5, 100)).toBe(true);
});

test("a round that took long says nothing for the next: each counts by itself", () => {
  const catchUp = new CatchUp(electionMs, 100, 0);
  expect(catchUp.keptUp(99, 200, 5000)).toBe(false);
  expect(catchUp.keptUp(100, 200, 6000)).toBe(false); // a long round ends
  expect(catchUp.keptUp(200, 210, 6500)).toBe(true); // and a short one
});
