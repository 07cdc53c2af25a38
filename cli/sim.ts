import { availableParallelism } from "node:os";
import { join } from "node:path";
import { InvalidArgumentError } from "commander";
import { Failure } from "../base/mod.ts";
import { saveRun } from "../jepsen-lite/report/mod.ts";
import {
  type Case,
  everything,
  type Mask,
  parseMask,
  recorded,
  replay,
  replayCommand,
  shrink,
  sweep,
} from "../jepsen-lite/simulation/mod.ts";
import { exitCodes } from "./component.ts";
import { parser, wholeNumber } from "./flags.ts";
import { say } from "./output.ts";
import { describeRaft, raftOnly } from "./sim-raft.ts";
import { programVersion } from "./version.ts";

const help = `
The store's own code, members and clients alike, runs on virtual disks, networks and clocks
in one process. A seed draws everything: how many members, what clients do, what breaks when,
and which of a hundred small chances comes up. So one seed is one run, here and everywhere,
and a minute of a cluster's life takes a fraction of a second.

While things break, invariants are looked at after each event: one leader a term, nothing
committed is lost, nothing is said that a disk could still forget. Then faults end, of all
members or of no more than a majority needs, and everything must come right within a minute
and stay so. In the end checkers judge what the clients saw.

  flotilla sim --seeds 2000 --seconds 60             many seeds, each a minute under faults
  flotilla sim --hours 1                             as many new ones as fit into an hour
  flotilla sim --ci                                  those that once found something, and 300
                                                     new ones; what CI asks
  flotilla sim --seeds 100 --mask workload=lease     only what this workload's clients do
  flotilla sim --seed 42                             one again: what it drew, what happened
  flotilla sim --seed 42 --table --log               ... with a row for each change of a
                                                     member (role, term, entries applied,
                                                     committed, on disk), and their logs
  flotilla sim --seed 42 --hash                      a hash of all that happened: two runs
                                                     of a seed that differ are a bug
  flotilla sim --raft-only --seeds 1000              the consensus alone: no log files, no store,
                                                     no clients; several times as fast

A seed that breaks something is printed with the command that repeats it. Of a sweep, the
first is also shrunk: faults, extremes, clients and time are left out for as long as the same
property breaks. What is left is named by a mask, and faults by their numbers in the run:
  flotilla sim --seed 42 --seconds 7 --mask faults=3+9,clients=1,calm=loss+clogs --report out
leaves a run's directory, with a page to look at (flotilla jepsen --help has more on those).

Exit codes: 0 nothing broke, 1 something did, 2 a wrong flag.
`;

interface Flags {
  seed?: number;
  seeds?: number;
  from?: number;
  seconds?: number;
  hours?: number;
  jobs: number;
  mask?: Mask;
  ci?: boolean;
  shrink?: boolean;
  report?: string;
  hash?: boolean;
  table?: boolean;
  log?: boolean;
  raftOnly?: boolean;
  json?: boolean;
}

const most = Number.MAX_SAFE_INTEGER;
const defaultSeconds = 60;
/** What CI has time for. */
const ci = { seeds: 300, seconds: 60, report: "sim-report" };
/** So much is spent on making the run of one seed smaller. */
const shrinking = { runs: 300, ms: 60_000 };

/** `flotilla sim`: runs of the store in virtual time. */
export async function main(args: string[]): Promise<void> {
  const flags = parser("sim", "Proves the store in virtual time, by chance: faults, invariants, checkers.")
    .option("--seeds <n>", "so many seeds, default 100", wholeNumber(0, most))
    .option(
      "--from <seed>",
      "the first of them, default 1; with --hours and --ci one that is new",
      wholeNumber(0, most),
    )
    .option("--seconds <s>", "virtual time under faults, default 60", wholeNumber(1, 1_000_000))
    .option("--hours <h>", "as many seeds as fit into so many real hours", positive)
    .option(
      "--jobs <n>",
      "processes that share the seeds, default one a core",
      wholeNumber(1, 256),
      availableParallelism(),
    )
    .option("--ci", `the corpus, and ${ci.seeds} new seeds of ${ci.seconds} s; the first that breaks is reported`)
    .option("--seed <seed>", "run this one again", wholeNumber(0, most))
    .option("--mask <mask>", "leave out some of what it draws", masking)
    .option("--shrink", "make the run of every seed that breaks something as small as can be")
    .option("--report <dir>", "leave the first run that breaks something there; of --seed, that run")
    .option("--raft-only", "the consensus alone: members of raft/ on virtual disks and a virtual network")
    .option("--json", "with --raft-only: print the figures as JSON")
    .option("--hash", "with --seed: print nothing but the hash of its run")
    .option("--table", "with --seed: print a row for each change of a member")
    .option("--log", "with --seed: print what the members log")
    .addHelpText("after", help)
    .allowExcessArguments(false)
    .parse(args, { from: "user" })
    .opts<Flags>();
  const isFine = await (flags.raftOnly === true
    ? raft(flags)
    : flags.seed === undefined
      ? many(flags)
      : one(flags, flags.seed));
  process.exitCode = isFine ? exitCodes.ok : exitCodes.failed;
}

async function one(flags: Flags, seed: number): Promise<boolean> {
  const { hash = false, table = false, log = false, seconds = defaultSeconds, mask = everything } = flags;
  const tried: Case = { seed, seconds, mask };
  const { violation } = await replay(tried, { hash, table, log }, say);
  const smallest = violation !== undefined && flags.shrink === true ? await shrunk(tried) : tried;
  if (flags.report !== undefined) await report(smallest, flags.report);
  return violation === undefined;
}

async function many(flags: Flags): Promise<boolean> {
  const { hours } = flags;
  const isFixed = hours === undefined && flags.ci !== true;
  const defaults = flags.ci === true ? ci : { seeds: hours === undefined ? 100 : most, seconds: defaultSeconds };
  const options = {
    corpus: flags.ci === true,
    // Everybody who looks for something new looks at seeds that nobody has looked at.
    from: flags.from ?? (isFixed ? 1 : Math.floor(Date.now() / 1000)),
    seeds: flags.seeds ?? defaults.seeds,
    seconds: flags.seconds ?? defaults.seconds,
    mask: flags.mask ?? everything,
    hours,
    jobs: flags.jobs,
  };
  if (!isFixed) say(`seeds from ${options.from} on, ${options.seconds} virtual seconds each`);
  const startMs = performance.now();
  const totals = await sweep(options, say);
  say(totals.describe(performance.now() - startMs));
  const directory = flags.report ?? (flags.ci === true ? ci.report : undefined);
  for (const [at, failed] of totals.failed.entries()) {
    if (at > 0 && flags.shrink !== true) break;
    const smallest = await shrunk(failed);
    if (at === 0 && directory !== undefined) await report(smallest, directory);
  }
  return totals.failed.length === 0;
}

async function raft({ seed, seeds = 100, from = 1, seconds = defaultSeconds, jobs, json }: Flags): Promise<boolean> {
  const startMs = performance.now();
  const isOne = seed !== undefined;
  const totals = await raftOnly({ from: seed ?? from, seeds: isOne ? 1 : seeds, seconds, jobs: isOne ? 1 : jobs });
  const realSeconds = (performance.now() - startMs) / 1000;
  say(json === true ? JSON.stringify(totals) : describeRaft(totals, realSeconds, seconds));
  return totals.broken.length === 0;
}

/** The smallest case found that breaks the same, told. */
async function shrunk(tried: Case): Promise<Case> {
  const untilMs = Date.now() + shrinking.ms;
  const { seconds, mask, report, runs } = await shrink(tried, {
    runs: shrinking.runs,
    isOver: () => Date.now() >= untilMs,
  });
  const smallest = { seed: tried.seed, seconds, mask };
  const { members, clients } = report.parameters;
  const faults = report.happened.map(({ name }) => name).join(", ") || "no faults";
  say(`seed ${tried.seed}, shrunk in ${runs} runs: ${members} members, ${clients} clients, ${seconds} s; ${faults}`);
  say(`  ${report.violation?.message.split("\n")[0]}`);
  say(`  ${replayCommand(smallest)}`);
  return smallest;
}

async function report(tried: Case, directory: string): Promise<void> {
  saveRun(directory, await recorded(tried, programVersion()));
  say(`the run is in ${directory}: open ${join(directory, "report.html")}`);
}

function positive(value: string): number {
  const hours = Number(value);
  if (!(hours > 0)) throw new InvalidArgumentError("A number above 0");
  return hours;
}

function masking(value: string): Mask {
  try {
    return parseMask(value);
  } catch (error) {
    if (error instanceof Failure) throw new InvalidArgumentError(`${error.message}. ${error.advice}`);
    throw error;
  }
}
