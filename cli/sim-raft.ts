import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { runTimed } from "../raft/simulation/timed.ts";

export interface RaftOptions {
  readonly from: number;
  readonly seeds: number;
  /** Virtual, under faults. */
  readonly seconds: number;
  readonly jobs: number;
}

/** What some seeds came to. */
export interface RaftTotals {
  seeds: number;
  messages: number;
  committed: number;
  terms: number;
  virtualSeconds: number;
  cpuSeconds: number;
  /** What broke, each with its seed. */
  readonly broken: { readonly seed: number; readonly what: string }[];
}

/** The consensus alone, without log files, store or clients: members of `raft/` on the virtual disks and network of its schedules. */
export async function raftOnly(options: RaftOptions): Promise<RaftTotals> {
  const { from, seeds, jobs } = options;
  if (jobs === 1) return runHere(options);
  const totals: RaftTotals = none();
  const share = Math.ceil(seeds / jobs);
  const shares = Array.from({ length: jobs }, (_, job) => ({
    ...options,
    from: from + job * share,
    seeds: Math.max(0, Math.min(share, seeds - job * share)),
  }));
  for (const part of await Promise.all(shares.map(runThere))) {
    for (const name of figures) totals[name] += part[name];
    totals.broken.push(...part.broken);
  }
  return totals;
}

const figures = ["seeds", "messages", "committed", "terms", "virtualSeconds", "cpuSeconds"] as const;

function none(): RaftTotals {
  return { seeds: 0, messages: 0, committed: 0, terms: 0, virtualSeconds: 0, cpuSeconds: 0, broken: [] };
}

function runHere({ from, seeds, seconds }: RaftOptions): RaftTotals {
  const totals = none();
  const before = process.cpuUsage();
  for (let seed = from; seed < from + seeds; seed++) {
    totals.seeds++;
    try {
      const { messages, committed, terms, virtualMs } = runTimed({ seed, seconds });
      totals.messages += messages;
      totals.committed += committed;
      totals.terms += terms;
      totals.virtualSeconds += virtualMs / 1000;
    } catch (error) {
      totals.broken.push({ seed, what: (error as Error).message });
    }
  }
  const { user, system } = process.cpuUsage(before);
  totals.cpuSeconds = (user + system) / 1_000_000;
  return totals;
}

async function runThere({ from, seeds, seconds }: RaftOptions): Promise<RaftTotals> {
  const share = ["--from", from, "--seeds", seeds, "--seconds", seconds, "--jobs", 1].map(String);
  const flags = ["sim", "--raft-only", "--json", ...share];
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] as string, ...flags], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return JSON.parse(await text(child.stdout)) as RaftTotals;
}

export function describeRaft(totals: RaftTotals, realSeconds: number, seconds: number): string {
  const { seeds, messages, committed, terms, virtualSeconds, cpuSeconds, broken } = totals;
  const format = (value: number) => Math.round(value).toLocaleString("en");
  return [
    ...broken.flatMap(({ seed, what }) => [what, `  npm run sim -- --raft-only --seed ${seed} --seconds ${seconds}`]),
    `${format(seeds)} seeds of Raft alone, ${broken.length} of them broke something; ${realSeconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} s of CPU`,
    `  virtual time  ${format(virtualSeconds)} s: ${format(virtualSeconds / realSeconds)} times real time, ${format(virtualSeconds / cpuSeconds)} times CPU time`,
    `  messages      ${format(messages)}: ${format(messages / realSeconds)}/s (${format(messages / cpuSeconds)} per CPU second)`,
    `  members       ${format(terms)} terms, ${format(committed)} entries committed`,
  ].join("\n");
}
