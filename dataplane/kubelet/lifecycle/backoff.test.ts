import { expect, test } from "vitest";
import { VirtualClock } from "../../../base/mod.ts";
import { EventBackoff, goDuration } from "./backoff.ts";

test("restarts wait 10 s, doubled up to 5 min, counted from the end of the container", () => {
  const clock = new VirtualClock();
  const backoff = new EventBackoff(clock);
  const waits: string[] = [];
  let endedAtMs = clock.now();
  for (let i = 0; i < 8; i++) {
    waits.push(goDuration(backoff.remainingMs("c", endedAtMs)));
    clock.advance(backoff.remainingMs("c", endedAtMs));
    backoff.next("c", endedAtMs);
    clock.advance(1_000); // it runs a second
    endedAtMs = clock.now();
  }
  expect(waits).toEqual(["0s", "10s", "20s", "40s", "1m20s", "2m40s", "5m0s", "5m0s"]);
});

test("ten minutes of success begin from the beginning", () => {
  const clock = new VirtualClock();
  const backoff = new EventBackoff(clock);
  for (let i = 0; i < 4; i++) backoff.next("c", clock.now());
  clock.advance(600_001);
  expect(backoff.remainingMs("c", clock.now())).toBe(0);
  backoff.next("c", clock.now());
  expect(backoff.delayMs("c")).toBe(10_000);
});
