import { spawn } from "node:child_process";
import { extname } from "node:path";
import { createInterface } from "node:readline";
import { casesOf, replayCommand, type Selection } from "./cases.ts";
import { run } from "./run.ts";
import { type Told, Totals, tellOf } from "./totals.ts";

export interface SweepOptions extends Selection {
  /** Real; after that no other run is begun. Undefined: until all are done. */
  readonly hours: number | undefined;
  /** Processes that share the runs. */
  readonly jobs: number;
}

/** Runs every `jobs`-th of the cases, from the one numbered `share` on, in this process. */
export async function runShare(options: SweepOptions, share: number, tell: (told: Told) => void): Promise<void> {
  const untilMs = options.hours === undefined ? Number.POSITIVE_INFINITY : Date.now() + options.hours * 3_600_000;
  // Errors are common in broken worlds, and where each came from costs more than all else about them. Who wants to know runs one seed.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  let at = 0;
  for (const tried of casesOf(options)) {
    if (Date.now() >= untilMs) break;
    if (at++ % options.jobs !== share) continue;
    const before = process.cpuUsage();
    const report = await run(tried);
    const { user, system } = process.cpuUsage(before);
    tell(tellOf(tried, report, (user + system) / 1000));
    await new Promise((resolve) => setImmediate(resolve));
  }
  Error.stackTraceLimit = stackTraceLimit;
}

/** Shares the cases out, and prints those that broke something as they do. */
export async function sweep(options: SweepOptions, print: (line: string) => void): Promise<Totals> {
  const totals = new Totals();
  const tell = (told: Told) => {
    totals.add(told);
    if (told.violation === undefined) return;
    const [first, second] = told.violation.split("\n");
    print(`seed ${told.case.seed} (${told.workload}) broke ${first}${second === undefined ? "" : ` ${second.trim()}`}`);
    print(`  ${replayCommand(told.case)}`);
  };
  if (options.jobs === 1) await runShare(options, 0, tell);
  else await Promise.all(Array.from({ length: options.jobs }, (_, share) => runChild(options, share, tell)));
  return totals;
}

async function runChild(options: SweepOptions, share: number, tell: (told: Told) => void): Promise<void> {
  const script = new URL(`share${extname(import.meta.filename)}`, import.meta.url).pathname;
  const child = spawn(process.execPath, [...process.execArgv, script, JSON.stringify(options), String(share)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) tell(JSON.parse(line) as Told);
  const code = child.exitCode ?? (await new Promise((resolve) => child.once("exit", resolve)));
  if (code !== 0) throw new Error(`the process with share ${share} ended with code ${code}`);
}
