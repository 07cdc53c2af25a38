import { expect, test } from "vitest";
import { runTimed } from "./simulation/timed.ts";

// Another seed every time: what fails here names it, and `npm run sim -- --raft-only --seed N --seconds 10` repeats it.
const firstSeed = Date.now() % 1_000_000_000;

test(`in virtual time five members from seed ${firstSeed} on break no property, and get something done`, () => {
  let committed = 0;
  for (let seed = firstSeed; seed < firstSeed + 40; seed++) committed += runTimed({ seed, seconds: 10 }).committed;
  expect(committed).toBeGreaterThan(1000);
});

test("a seed repeats its time exactly", () => {
  expect(runTimed({ seed: 42, seconds: 10 })).toEqual(runTimed({ seed: 42, seconds: 10 }));
});

test("five members that send an entry at a time, and one message, get through a minute's backlog when they are healed", () => {
  expect(runTimed({ seed: 540, seconds: 60 }).committed).toBeGreaterThan(4000);
});
