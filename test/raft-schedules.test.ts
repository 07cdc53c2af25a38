import { expect, test } from "vitest";
import { runSchedule } from "../raft/simulation/run.ts";

// A failure names its seed: npm run raft:schedules -- --count 1 --seed N
test("800 random schedules of five members break no property of Raft, and every one recovers", {
  timeout: 300_000,
}, () => {
  let committed = 0;
  for (let seed = 1; seed <= 800; seed++) committed += runSchedule({ seed }).committed;
  expect(committed).toBeGreaterThan(40_000); // the schedules are not just standing still
});
