// Usage: npm run sim -- --help
import { parseArgs } from "node:util";
import { replay } from "./replay.ts";
import { describeTotals, runSeeds, runShare, type SweepOptions } from "./sweep.ts";

const help = `Simulates the store: real members and clients on virtual disks, network and clocks.

  npm run sim -- --seeds 2000 --seconds 60 [--from 1] [--jobs 2]   that many seeds, each so many virtual seconds under faults
  npm run sim -- --hours 1 [--jobs 2]                              as many seeds as fit into so many real hours
  npm run sim -- --seed 42 [--seconds 60]                          one seed again: what it drew, what happened, what it broke
                           [--table] [--log]                       ... with a row per change of a member; with the members' logs
  npm run sim -- --seed 42 --hash                                  the hash of its run alone: equal everywhere, for ever

A seed that breaks something is printed with the command that repeats it. Exit code 1 if any did.`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", default: false },
    seed: { type: "string" },
    seeds: { type: "string" },
    from: { type: "string" },
    seconds: { type: "string", default: "60" },
    hours: { type: "string" },
    jobs: { type: "string", default: "1" },
    hash: { type: "boolean", default: false },
    table: { type: "boolean", default: false },
    log: { type: "boolean", default: false },
    /** Which share of the seeds is this process': set by the process that shares them out. */
    share: { type: "string" },
  },
});

const seconds = Number(values.seconds);

async function main(): Promise<boolean> {
  if (values.help) {
    console.log(help);
    return true;
  }
  if (values.seed !== undefined) {
    const { hash, table, log } = values;
    return replay(Number(values.seed), { seconds, hash, table, log });
  }
  const hours = values.hours === undefined ? undefined : Number(values.hours);
  const options: SweepOptions = {
    // Every hour of simulation looks at seeds that no other has looked at.
    from: values.from === undefined ? (hours === undefined ? 1 : Math.floor(Date.now() / 1000)) : Number(values.from),
    seeds: Number(values.seeds ?? (hours === undefined ? 100 : Number.MAX_SAFE_INTEGER)),
    seconds,
    hours,
    jobs: Number(values.jobs),
  };
  if (values.share !== undefined) {
    await runShare(options, Number(values.share));
    return true;
  }
  const totals = await runSeeds(options);
  console.log(describeTotals(totals));
  return totals.failed.length === 0;
}

process.exitCode = (await main()) ? 0 : 1;
