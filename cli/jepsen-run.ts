import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../base/mod.ts";
import { nemeses, Prober, run as runOnce } from "../jepsen-lite/processes/mod.ts";
import { runFiles } from "../jepsen-lite/report/mod.ts";
import { workloads } from "../jepsen-lite/workloads/mod.ts";
import { exitCodes, failureLine } from "./component.ts";
import { oneOf, parser } from "./flags.ts";
import { commas, flagsOf, reasonsOf, type SubjectFlags, subjectOf, withSubject } from "./jepsen-subject.ts";
import { exitCodeOf, wordOf } from "./jepsen-verdict.ts";
import { say, table } from "./output.ts";
import { programVersion } from "./version.ts";

const listed = (all: Readonly<Record<string, { readonly summary: string }>>) =>
  Object.entries(all)
    .map(([name, { summary }]) => `  ${name.padEnd(14)} ${summary}`)
    .join("\n");

const help = `
Starts a cluster behind a network of its own making, has clients use it while nemeses
break it, mends everything, waits until all are served again, and judges. What is drawn
(who is struck, and when) follows from --seed; what a real machine then makes of it is new
each time.

Workloads:
${listed(workloads)}

Nemeses, one or several with commas between them, all, or none:
${listed(nemeses)}

Each is asked first whether it can work on this machine and with this store, and says why
not. One that broke nothing that anybody noticed makes the run invalid: see the checker
"vacuity".

Try it:
  flotilla jepsen run --workload register --nemesis partition --seconds 10 --report /tmp/run
  flotilla jepsen run --workload register --nemesis kill --etcd /usr/bin/etcd

Exit codes: 0 valid, 1 invalid, 2 unknown: also when it could not be run.
`;

interface RunFlags extends SubjectFlags {
  readonly workload: string;
  readonly nemesis: readonly string[];
  readonly report?: string;
}

/** `flotilla jepsen run`: one workload under nemeses. */
export async function run(args: string[]): Promise<void> {
  const command = withSubject(
    parser(
      "jepsen run",
      "Runs clients on a cluster of real processes while something breaks it, and judges what they saw.",
    )
      .option("--workload <name>", "what clients do", oneOf(...Object.keys(workloads)), "register")
      .option("--nemesis <names>", "what breaks", commas, ["kill"])
      .option("--report <dir>", "the run's directory; a new one below the system's temporary files if not given"),
  )
    .addHelpText("after", help)
    .parse(args, { from: "user" });
  try {
    process.exitCode = await carryOut(command.opts<RunFlags>(), command.args);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`flotilla jepsen run: ${failureLine(error)}\n`);
    process.exitCode = exitCodes.usage;
  }
}

async function carryOut(flags: RunFlags, extraFlags: readonly string[]): Promise<number> {
  // Whoever leaves this way takes the members along.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(exitCodes.usage));
  const { workload, seed, seconds, clients } = flags;
  const subject = subjectOf(flags, extraFlags);
  const names = flags.nemesis.filter((name) => name !== "none");
  const { fit, unfit } = await new Prober(subject).choose(names);
  if (unfit.length > 0) say(reasonsOf(unfit));
  // Of all, those that can; who is named has to.
  if (unfit.length > 0 && (!names.includes("all") || fit.length === 0)) return exitCodes.usage;
  const directory = flags.report ?? mkdtempSync(join(tmpdir(), "flotilla-jepsen-"));
  const command = `flotilla jepsen run --workload ${workload} --nemesis ${flags.nemesis} ${flagsOf(flags, extraFlags)}`;
  say(command);
  const { verdict, operations, faults, effects, ...result } = await runOnce({
    ...{ workload, nemeses: fit, subject, seconds, seed, directory, command, clients, version: programVersion() },
  });
  table(
    ["VERDICT", "CHECKER", "WHAT IT SAYS"],
    verdict.checkers.map(({ valid, checker, summary }) => [wordOf(valid), checker, summary]),
  );
  const felt = Object.entries(effects).map(([name, effect]) => `${name} ${effect}`);
  say(
    `\n${operations} operations, ${faults} faults in ${result.seconds.toFixed(1)} s; effects: ${felt.join(", ") || "none"}`,
  );
  say(`${join(directory, runFiles.report)}: ${wordOf(verdict.valid)}`);
  return exitCodeOf(verdict);
}
