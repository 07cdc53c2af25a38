// Usage: npm run raft:schedules -- [--count 2000] [--seed N] [--steps 12000] [--members 5]
// Runs random schedules of a Raft cluster with seeds N, N+1, …; prints the first property that breaks, and its seed.
import { parseArgs } from "node:util";
import { runSchedule } from "../raft/simulation/run.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "2000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000_000) },
    steps: { type: "string" },
    members: { type: "string" },
  },
});
const count = Number(values.count);
const firstSeed = Number(values.seed);
const optional = (value: string | undefined) => (value === undefined ? undefined : Number(value));

const startedMs = performance.now();
const total = { committed: 0, terms: 0, slowestHeal: 0 };
for (let seed = firstSeed; seed < firstSeed + count; seed++) {
  const report = runSchedule({ seed, steps: optional(values.steps), members: optional(values.members) });
  total.committed += report.committed;
  total.terms += report.terms;
  total.slowestHeal = Math.max(total.slowestHeal, report.healedAfter);
}
const seconds = (performance.now() - startedMs) / 1000;
console.log(`${count} schedules from seed ${firstSeed} hold in ${seconds.toFixed(1)} s`);
console.log(
  `${total.committed} entries committed in ${total.terms} terms; slowest recovery ${total.slowestHeal} rounds of ticks`,
);
