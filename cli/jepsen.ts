import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../base/mod.ts";
import { type RunVerdict, readRun, reportOf, runFiles, type SavedRun } from "../jepsen-lite/report/mod.ts";
import { judge, judged as workloads } from "../jepsen-lite/workloads/mod.ts";
import { exitCodes, failureLine } from "./component.ts";
import { oneOf, parser } from "./flags.ts";
import { say, table } from "./output.ts";

const help = `
What a store promises is put to the proof: clients use it while something breaks it, all
that they ask and hear is written down, and checkers look for what the promise forbids.

A run is a directory:
  history.ndjson   what the clients asked and got, and what broke when: an event a line
  manifest.json    what was run, and how to run it again: version, seed, command, config
  verdict.json     what each checker says
  report.html      all of it to look at; one file, no network needed

An event: {"index":0,"timeNs":0,"process":0,"type":"invoke","f":"read","value":{"key":"x"}}
  invoke  it was asked for            ok    it happened between then and now
  fail    it certainly did not        info  nobody knows: it may have, or may yet
Faults are events of the process "nemesis".

A verdict is valid, invalid or unknown. Unknown is no kind of valid: nothing was seen,
but too little was looked at, or it took too long to decide.

Try it. A read that misses a write which had been answered before it began:
  cat >/tmp/stale.ndjson <<END
  {"index":0,"timeNs":0,"process":0,"type":"invoke","f":"write","value":{"key":"x","value":1}}
  {"index":1,"timeNs":5000000,"process":0,"type":"ok","f":"write","value":{"key":"x","value":1}}
  {"index":2,"timeNs":7000000,"process":1,"type":"invoke","f":"read","value":{"key":"x"}}
  {"index":3,"timeNs":9000000,"process":1,"type":"ok","f":"read","value":{"key":"x","value":null}}
  END
  flotilla jepsen check /tmp/stale.ndjson --workload register

docs/experiments.md has six experiments with a store of three members.
`;

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

const subcommands: Readonly<Record<string, (args: string[]) => Promise<void>>> = { check, report };

/** `flotilla jepsen check|report`: saved runs, judged again and made into a page. */
export async function main(args: string[]): Promise<void> {
  const [name, ...rest] = args;
  const subcommand = subcommands[name ?? ""];
  if (subcommand !== undefined) return subcommand(rest);
  const program = parser("jepsen", "Judges what clients of a store saw, and shows it.").addHelpText("after", help);
  program
    .command("check <path>")
    .description("judge a saved run or history again: exit code 0 valid, 1 invalid, 2 unknown");
  program.command("report <path>").description("make the report of a saved run: one HTML file");
  await program.parseAsync(args.length === 0 ? ["--help"] : args, { from: "user" });
}

async function check(args: string[]): Promise<void> {
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

async function report(args: string[]): Promise<void> {
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

function wordOf(valid: RunVerdict["valid"]): string {
  return valid === true ? "valid" : valid === false ? "invalid" : "unknown";
}

function exitCodeOf({ valid }: RunVerdict): number {
  return valid === true ? exitCodes.ok : valid === false ? exitCodes.failed : exitCodes.usage;
}
