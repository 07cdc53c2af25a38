import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { run } from "./run.ts";

export interface SweepOptions {
  readonly from: number;
  readonly seeds: number;
  /** Virtual, of the time of faults. */
  readonly seconds: number;
  /** Real. */
  readonly hours: number | undefined;
  readonly jobs: number;
}

/** What is told of one seed, as a line of JSON. */
interface Told {
  readonly seed: number;
  readonly violation?: string;
  readonly workload: string;
  readonly events: number;
  readonly messages: number;
  readonly operations: number;
  readonly acknowledged: number;
  readonly starts: number;
  readonly leaders: number;
  readonly committed: number;
  readonly virtualSeconds: number;
  readonly cpuMs: number;
  readonly faults: readonly (readonly [name: string, count: number])[];
}

export interface Totals {
  seeds: number;
  failed: number[];
  events: number;
  messages: number;
  operations: number;
  acknowledged: number;
  starts: number;
  leaders: number;
  committed: number;
  virtualSeconds: number;
  cpuMs: number;
  realMs: number;
  readonly faults: Map<string, number>;
  readonly workloads: Map<string, number>;
}

/** Runs one process' share of the seeds, and tells what came of each. */
export async function runShare(options: SweepOptions, share: number, tell = tellParent): Promise<void> {
  const untilMs = options.hours === undefined ? Number.POSITIVE_INFINITY : Date.now() + options.hours * 3_600_000;
  for (let seed = options.from + share; seed < options.from + options.seeds; seed += options.jobs) {
    if (Date.now() >= untilMs) return;
    const before = process.cpuUsage();
    const report = await run({ seed, seconds: options.seconds });
    const { user, system } = process.cpuUsage(before);
    const { violation, parameters, hash: _, history: __, faults, ...figures } = report;
    tell({
      ...figures,
      workload: parameters.workload,
      faults: [...faults],
      cpuMs: (user + system) / 1000,
      ...(violation === undefined ? {} : { violation: violation.message }),
    });
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function tellParent(told: Told): void {
  console.log(JSON.stringify(told));
}

/** Shares the seeds out, and prints those that broke something as they do. */
export async function runSeeds(options: SweepOptions): Promise<Totals> {
  const startMs = performance.now();
  const totals: Totals = {
    ...{ seeds: 0, failed: [], events: 0, messages: 0, operations: 0, acknowledged: 0, starts: 0, leaders: 0 },
    ...{ committed: 0, virtualSeconds: 0, cpuMs: 0, realMs: 0, faults: new Map(), workloads: new Map() },
  };
  const tell = (told: Told) => {
    add(totals, told);
    if (told.violation === undefined) return;
    const [first, second] = told.violation.split("\n");
    console.log(
      `seed ${told.seed} (${told.workload}) broke: ${first}${second === undefined ? "" : ` ${second.trim()}`}`,
    );
    console.log(`  ${replayCommand(told.seed, options.seconds)}`);
  };
  if (options.jobs === 1) await runShare(options, 0, tell);
  else await Promise.all(Array.from({ length: options.jobs }, (_, share) => runChild(options, share, tell)));
  totals.realMs = performance.now() - startMs;
  return totals;
}

export function replayCommand(seed: number, seconds: number): string {
  return `npm run sim -- --seed ${seed} --seconds ${seconds}`;
}

async function runChild(options: SweepOptions, share: number, tell: (told: Told) => void): Promise<void> {
  const { from, seeds, seconds, hours, jobs } = options;
  const given = { from, seeds, seconds, jobs, share, ...(hours === undefined ? {} : { hours }) };
  const flags = Object.entries(given).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const main = new URL("main.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [...process.execArgv, main, ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) tell(JSON.parse(line) as Told);
  const code = child.exitCode ?? (await new Promise((resolve) => child.once("exit", resolve)));
  if (code !== 0) throw new Error(`the process with share ${share} ended with code ${code}`);
}

function add(totals: Totals, told: Told): void {
  totals.seeds++;
  if (told.violation !== undefined) totals.failed.push(told.seed);
  totals.events += told.events;
  totals.messages += told.messages;
  totals.operations += told.operations;
  totals.acknowledged += told.acknowledged;
  totals.starts += told.starts;
  totals.leaders += told.leaders;
  totals.committed += told.committed;
  totals.virtualSeconds += told.virtualSeconds;
  totals.cpuMs += told.cpuMs;
  for (const [name, count] of told.faults) totals.faults.set(name, (totals.faults.get(name) ?? 0) + count);
  totals.workloads.set(told.workload, (totals.workloads.get(told.workload) ?? 0) + 1);
}

export function describeTotals(totals: Totals): string {
  const { seeds, failed, realMs, cpuMs, virtualSeconds } = totals;
  const number = (value: number) => Math.round(value).toLocaleString("en");
  const rate = (value: number) =>
    `${number(value / (realMs / 1000))}/s (${number(value / (cpuMs / 1000))} per CPU second)`;
  const listed = (counts: ReadonlyMap<string, number>) =>
    [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => `${name} ${number(count)}`);
  return [
    `${number(seeds)} seeds, ${failed.length} of them broke something; ${(realMs / 1000).toFixed(1)} s, ${(cpuMs / 1000).toFixed(1)} s of CPU`,
    `  virtual time  ${number(virtualSeconds)} s: ${number(virtualSeconds / (realMs / 1000))} times real time, ${number(virtualSeconds / (cpuMs / 1000))} times CPU time`,
    `  events        ${number(totals.events)}: ${rate(totals.events)}`,
    `  messages      ${number(totals.messages)}: ${rate(totals.messages)}`,
    `  operations    ${number(totals.operations)}: ${rate(totals.operations)}; ${number(totals.acknowledged)} acknowledged`,
    `  members       ${number(totals.starts)} starts, ${number(totals.leaders)} leaders, ${number(totals.committed)} entries committed`,
    `  workloads     ${listed(totals.workloads).join(", ")}`,
    `  faults        ${listed(totals.faults).join(", ") || "none"}`,
  ].join("\n");
}
