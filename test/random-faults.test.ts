import { afterAll, beforeAll, expect, test } from "vitest";
import { randomFaults } from "./soak/random-faults.ts";
import { TestCluster } from "./support/cluster.ts";
import { seed } from "./support/seed.ts";

// Half a minute of what `npm run soak -- faults` does for ten.

const cluster = new TestCluster();

beforeAll(() => cluster.up());
afterAll(() => cluster.remove());

test(`random faults under a workload leave nothing broken and nothing behind (seed ${seed})`, async () => {
  const said: string[] = [];
  const report = await randomFaults(cluster, {
    seed,
    forMs: 25_000,
    longestFaultMs: 10_000,
    convergeWithinMs: 60_000,
    say: (line) => said.push(line),
  });
  expect(report.violations, said.join("\n")).toEqual([]);
  expect(report.faults.length).toBeGreaterThan(2);
  expect(report.created).toBeGreaterThan(20);
}, 150_000);
