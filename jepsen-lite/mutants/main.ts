// Usage: npm run mutants -- --help
import { parseArgs } from "node:util";
import { gradeMutants } from "../checkers/mod.ts";
import type { SeededBug } from "./bug.ts";
import { canaryFails } from "./canary.ts";
import { hunt, isCaught, type Trophy } from "./hunt.ts";
import { seededBugs } from "./table.ts";
import { describeGrades, describeTrophies, progress } from "./tell.ts";

const help = `Proves that the checkers can fail: puts bugs into the store, one at a time, and looks who notices.

  npm run mutants [-- --jobs 2]      all bugs, then mutants of histories, then the canary; the table is printed
  npm run mutants -- --only 4,17     these bugs and nothing else
  npm run mutants -- --historic      bugs that etcd really had: each scenario without its bug, and with it; another table
                     --only 13766    one of them, by its issue
                     --seeds 500     seeds after which a bug counts as not caught
                     --from 1        the first seed
                     --samples 5     how many times each is to be caught: the table tells the median of the seeds it took
                     --patience 20   after so many seconds a bug that was caught is not searched for again
                     --histories 1000  mutants of histories
                     --verbose       what was reported, too

Exit code 0: every bug was caught by a checker that is named for it, and not where it is left out; at least 95 % of the mutants of histories
were rejected or proven legal; the canary was found invalid.`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", default: false },
    only: { type: "string" },
    historic: { type: "boolean", default: false },
    seeds: { type: "string", default: "500" },
    from: { type: "string", default: "1" },
    samples: { type: "string", default: "5" },
    patience: { type: "string", default: "20" },
    jobs: { type: "string", default: "2" },
    histories: { type: "string", default: "1000" },
    verbose: { type: "boolean", default: false },
  },
});

async function main(): Promise<boolean> {
  if (values.help) {
    console.log(help);
    return true;
  }
  if (values.historic) {
    const { proveHistoric } = await import("./historic/run.ts");
    return proveHistoric({ only: values.only?.split(","), say: (line) => console.log(line) });
  }
  const only = values.only?.split(",").map(Number);
  const bugs = seededBugs.filter(({ number }) => only?.includes(number) ?? true);
  const trophies = await huntAll(bugs);
  console.log(`\n${describeTrophies(trophies)}`);
  const allCaught = trophies.every(isCaught);
  if (only !== undefined) return allCaught;
  const { text, passed } = describeGrades(gradeMutants(Number(values.histories), 1));
  console.log(`\n${text}`);
  const failed = await canaryFails();
  console.log(`\nThe canary ${failed ? "was found invalid, as it must be" : "WAS NOT FOUND INVALID"}.`);
  return allCaught && passed && failed;
}

async function huntAll(bugs: readonly SeededBug[]): Promise<Trophy[]> {
  const options = {
    from: Number(values.from),
    seeds: Number(values.seeds),
    samples: Number(values.samples),
    patienceMs: Number(values.patience) * 1000,
  };
  const waiting = [...bugs];
  const trophies: Trophy[] = [];
  const work = async () => {
    for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) {
      const trophy = await hunt(bug, options);
      trophies.push(trophy);
      console.log(progress(trophy));
      if (values.verbose) for (const { what } of trophy.falseAlarms) console.log(`    without the bug: ${what}`);
    }
  };
  await Promise.all(Array.from({ length: Number(values.jobs) }, work));
  return trophies.sort((a, b) => a.bug.number - b.bug.number);
}

process.exitCode = (await main()) ? 0 : 1;
