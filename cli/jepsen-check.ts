import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../base/mod.ts";
import { type RunVerdict, readRun, reportOf, runFiles, type SavedRun } from "../jepsen-lite/report/mod.ts";
import { judge, workloads } from "../jepsen-lite/workloads/mod.ts";
import { exitCodes, failureLine } from "./component.ts";
import { oneOf, parser } from "./flags.ts";
import { exitCodeOf, wordOf } from "./jepsen-verdict.ts";
import { say, table } from "./output.ts";

const checkHelp = `
The workload says which checkers look at the history; a run's manifest names it. Of all,
it is asked that nobody said fail who could not know, and that some of each was ok.
  ${Object.entries(workloads)
    .map(([name, { summary }]) => `${name.padEnd(16)} ${summary}`)
    .join("\n  ")}

Exit codes: 0 valid, 1 invalid, 2 unknown: also when there is nothing to be read, and
for a wrong flag.
`;

interface JudgeFlags {
  workload?: string;
  output: "text" | "json";
}

/** `flotilla jepsen check`: a saved run, judged again. */
export async function check(args: string[]): Promise<void> {
  const command = parser("jepsen check", "Judges a saved run, or a history, again.")
    .argument("<path>", "a run's directory, or a file of events in NDJSON")
    .option("--workload <name>", "what the clients did, when no manifest says it", oneOf(...Object.keys(workloads)))
    .option("-o, --output <format>", "text or json", oneOf("text", "json"), "text")
    .addHelpText("after", checkHelp)
    .allowExcessArguments(false)
    .parse(args, { from: "user" });
  const flags = command.opts<JudgeFlags>();
  let run: SavedRun;
  let verdict: RunVerdict;
  try {
    run = await readRun(command.args[0] as string);
    verdict = verdictOf(run, flags.workload);
  } catch (error) {
    // What cannot be read is not invalid: nothing is known of it.
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`flotilla jepsen check: ${failureLine(error)}\n`);
    process.exitCode = exitCodes.usage;
    return;
  }
  process.exitCode = exitCodeOf(verdict);
  if (flags.output === "json") return say(JSON.stringify(verdict, undefined, 2));
  if (run.torn !== undefined) say(`The last line is torn and was left out: ${run.torn.message}`);
  table(
    ["VERDICT", "CHECKER", "WHAT IT SAYS"],
    verdict.checkers.map(({ valid, checker, summary }) => [wordOf(valid), checker, summary]),
  );
  for (const { anomalies } of verdict.checkers)
    for (const { kind, explanation } of anomalies.slice(0, 1))
      say(`\n${kind}\n  ${explanation.replaceAll("\n", "\n  ")}`);
  say(`\n${wordOf(verdict.valid)}`);
}

/** `flotilla jepsen report`: the page of a saved run. */
export async function report(args: string[]): Promise<void> {
  const command = parser("jepsen report", "Makes the report of a saved run: one HTML file, without a network.")
    .argument("<path>", "a run's directory, or a file of events in NDJSON")
    .option("--workload <name>", "what the clients did, when no manifest says it", oneOf(...Object.keys(workloads)))
    .option("--file <file>", `where to; ${runFiles.report} beside the history if not given`)
    .option("--again", "judge the history again, and not by what verdict.json says")
    .allowExcessArguments(false)
    .parse(args, { from: "user" });
  const flags = command.opts<{ workload?: string; file?: string; again?: boolean }>();
  const run = await readRun(command.args[0] as string);
  const verdict = (flags.again !== true && run.verdict) || verdictOf(run, flags.workload);
  const file = flags.file ?? join(run.directory, runFiles.report);
  try {
    writeFileSync(file, reportOf({ ...run, verdict }));
  } catch (cause) {
    throw new Failure(
      "NotWritten",
      `cannot write ${file}: ${(cause as Error).message}`,
      "--file names another place",
      cause,
    );
  }
  say(`${file}: ${wordOf(verdict.valid)}`);
}

function verdictOf({ history, manifest }: SavedRun, asked: string | undefined): RunVerdict {
  const named = asked ?? manifest.config?.workload;
  const known = Object.keys(workloads).join(", ");
  if (typeof named !== "string")
    throw new Failure("WorkloadUnknown", "nothing says what the clients did", `--workload does: ${known}`);
  if (!Object.hasOwn(workloads, named))
    throw new Failure("WorkloadUnknown", `there is no workload "${named}"`, `--workload takes ${known}`);
  return judge(history, named, manifest.config);
}
