// Usage: npm run differential -- [--operations 1000000] [--seed N] [--profile NAME] [--path P] [--shrink 120]
// Puts random sequences of requests to Debian's etcd and to our members, side by side, and compares all that they answer. Prints what
// differs, made as small as `--shrink` seconds allow, with the profile, seed and path that show it again.
import { parseArgs } from "node:util";
import { profiles } from "../test/differential/profiles.ts";
import { differential, explain, table } from "../test/differential/run.ts";

const { values } = parseArgs({
  options: {
    operations: { type: "string", default: "1000000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    profile: { type: "string" },
    path: { type: "string" },
    shrink: { type: "string", default: "120" },
  },
});
const chosen = profiles.filter(({ name }) => values.profile === undefined || name === values.profile);
if (chosen.length === 0) {
  console.error(`no profile "${values.profile}"; there are: ${profiles.map(({ name }) => name).join(", ")}`);
  process.exit(2);
}

const tally = { counts: new Map<string, number>(), explained: new Map<string, number>() };
const done = () => [...tally.counts.values()].reduce((sum, count) => sum + count, 0);
const startedMs = performance.now();
const seconds = () => (performance.now() - startedMs) / 1000;
console.log(`seed ${values.seed}: ${chosen.map(({ name }) => name).join(", ")}`);
const progress = setInterval(() => {
  console.log(`${seconds().toFixed(0)} s: ${done()} operations, ${(done() / seconds()).toFixed(0)}/s`);
}, 10_000);
const failures = await differential(
  {
    profiles: chosen,
    operations: Number(values.operations),
    seed: Number(values.seed),
    ...(values.path === undefined ? {} : { path: values.path }),
    firstPort: 24_000 + (process.pid % 60) * 100,
    shrinkMs: 1000 * Number(values.shrink),
  },
  tally,
);
clearInterval(progress);
console.log(table(tally));
for (const failure of failures) console.log(`\n${explain(failure)}`);
console.log(`\n${done()} operations in ${seconds().toFixed(0)} s, ${failures.length} differences`);
process.exitCode = failures.length === 0 ? 0 : 1;
