import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../base/mod.ts";
import { markdownOf, Prober, resultsFile, suite as runSuite, type SuiteResult } from "../jepsen-lite/processes/mod.ts";
import { workloads } from "../jepsen-lite/workloads/mod.ts";
import { exitCodes, failureLine } from "./component.ts";
import { parser, wholeNumber } from "./flags.ts";
import { commas, flagsOf, type SubjectFlags, subjectOf, withSubject, workloadNames } from "./jepsen-subject.ts";
import { say } from "./output.ts";
import { programVersion } from "./version.ts";

const standard = ["kill", "pause", "partition", "clock", "power-loss", "membership", "admin", "all"];

const help = `
Every workload under every nemesis, and under all of them together, a run each, as
\`flotilla jepsen run\` does it. What is done is written to ${resultsFile} in --report: ended
and started again, with the same flags, it goes on where it was; what could not be judged
is run again; with other flags it refuses. A workload that asks for what nothing can
promise has to be refuted. Runs wait more than they work: --jobs has several of them side
by side, two for each core at most. At the end it prints the table, in markdown, which is
also in suite.md.

Exit codes: 0 all valid, 1 one is invalid, 2 of one nothing is known.
`;

interface SuiteFlags extends SubjectFlags {
  readonly workloads: readonly string[];
  readonly nemeses: readonly string[];
  readonly jobs: number;
  readonly report: string;
}

/** `flotilla jepsen suite`: all workloads under all nemeses. */
export async function suite(args: string[]): Promise<void> {
  const command = withSubject(
    parser("jepsen suite", "Runs every workload under every nemesis; goes on where it was ended.")
      .option("--workloads <names>", "which; all if not given", workloadNames, Object.keys(workloads))
      .option("--nemeses <names>", "which", commas, standard)
      .option("--jobs <n>", "runs side by side, each with its own cluster", wholeNumber(1, 64), 1)
      .requiredOption("--report <dir>", "where runs and results go"),
  )
    .addHelpText("after", help)
    .parse(args, { from: "user" });
  try {
    process.exitCode = await carryOut(command.opts<SuiteFlags>(), command.args);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`flotilla jepsen suite: ${failureLine(error)}\n`);
    process.exitCode = exitCodes.usage;
  }
}

async function carryOut(flags: SuiteFlags, extraFlags: readonly string[]): Promise<number> {
  const { seconds, seed, clients, report, jobs } = flags;
  if (jobs > 1 && flags.endpoints !== undefined)
    throw new Failure("OneCluster", `${jobs} runs side by side on one cluster`, "Leave out --jobs or --endpoints");
  const subject = subjectOf(flags, extraFlags);
  // The run under way comes to its end; a second signal ends the process, and with it the members.
  const ending = new AbortController();
  process.once("SIGINT", () => {
    ending.abort();
    process.once("SIGINT", () => process.exit(exitCodes.usage));
  });
  process.once("SIGTERM", () => process.exit(exitCodes.usage));
  const results = await runSuite({
    ...{ workloads: flags.workloads, nemeses: flags.nemeses, prober: new Prober(subject), subject },
    ...{ jobs, conditions: flagsOf({ ...flags, seed: undefined }, extraFlags) },
    ...{ seconds, seed, clients, directory: report, version: programVersion(), signal: ending.signal },
    commandOf: (workload, nemesis) =>
      `flotilla jepsen run --workload ${workload} --nemesis ${nemesis} ${flagsOf(flags, extraFlags)}`,
    told: (result, wasDone) => say(`${lineOf(result)}${wasDone ? "  (done before)" : ""}`),
  });
  const markdown = markdownOf(results);
  writeFileSync(join(report, "suite.md"), `${markdown}\n`);
  say(`\n${markdown}`);
  if (results.some(({ valid }) => valid === false)) return exitCodes.failed;
  return results.some(({ valid }) => valid === "unknown") || ending.signal.aborted ? exitCodes.usage : exitCodes.ok;
}

function lineOf({ workload, nemesis, valid, seconds, operations, faults, why, directory }: SuiteResult): string {
  const word = { true: "valid", false: "INVALID", unknown: "unknown", impossible: "impossible", refuted: "refuted" }[
    `${valid}`
  ];
  const counts = `${seconds.toFixed(0)} s, ${operations} operations, ${faults} faults`;
  const more = why === undefined ? "" : `\n    ${why}${valid === "impossible" ? "" : `\n    ${directory}`}`;
  return `${word.padEnd(10)} ${workload.padEnd(16)} ${nemesis.padEnd(12)} ${counts}${more}`;
}
