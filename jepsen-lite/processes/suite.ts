import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../base/mod.ts";
import type { RunVerdict } from "../report/mod.ts";
import { workloads } from "../workloads/mod.ts";
import type { Prober } from "./choose.ts";
import { type RunOptions, run } from "./run.ts";

/** How one run of a suite ended; a line of its results file. */
export interface SuiteResult {
  readonly workload: string;
  /** As it was asked for: `all` is all that can work here. */
  readonly nemesis: string;
  /** `impossible`: it cannot be run here; `refuted`: what nothing can promise was found broken, as it must be. */
  readonly valid: true | false | "unknown" | "impossible" | "refuted";
  readonly seconds: number;
  readonly operations: number;
  readonly faults: number;
  readonly effects: Readonly<Record<string, number>>;
  readonly directory: string;
  /** What was found, or why there was no run. */
  readonly why?: string;
  /** As `SuiteOptions.conditions`. */
  readonly conditions: string;
}

export interface SuiteOptions extends Omit<RunOptions, "workload" | "nemeses" | "directory" | "command"> {
  readonly workloads: readonly string[];
  readonly nemeses: readonly string[];
  readonly prober: Prober;
  /** Of all its runs and of the results file. */
  readonly directory: string;
  readonly commandOf: (workload: string, nemesis: string) => string;
  /** What else decides over a run, the seed left out: runs under other conditions are not counted as done. */
  readonly conditions: string;
  /** Runs side by side. Each has a cluster of its own. */
  readonly jobs: number;
  readonly told: (result: SuiteResult, wasDone: boolean) => void;
  readonly signal?: AbortSignal;
}

export const resultsFile = "results.ndjson";

/**
 * Runs everything against everything, but for what its results file says is done. A run that could not be judged is not. Throws `OtherConditions`
 * if there are results in it of another suite.
 */
export async function suite(options: SuiteOptions): Promise<SuiteResult[]> {
  mkdirSync(options.directory, { recursive: true });
  const file = join(options.directory, resultsFile);
  const done = new Map(doneBefore(file, options.conditions).map((result) => [keyOf(result), result]));
  const asked = options.workloads.flatMap((workload) => options.nemeses.map((nemesis) => ({ workload, nemesis })));
  const results: (SuiteResult | undefined)[] = asked.map(() => undefined);
  let next = 0;
  const work = async () => {
    while (next < asked.length && !options.signal?.aborted) {
      const at = next++;
      const { workload, nemesis } = asked[at] as (typeof asked)[number];
      const before = done.get(keyOf({ workload, nemesis }));
      const wasDone = before !== undefined && before.valid !== "unknown";
      const result = wasDone ? before : await one(options, workload, nemesis);
      if (!wasDone) appendFileSync(file, `${JSON.stringify(result)}\n`);
      results[at] = result;
      options.told(result, wasDone);
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, work));
  return results.filter((result) => result !== undefined);
}

/** Exported for its test. */
export function doneBefore(file: string, conditions: string): readonly SuiteResult[] {
  const results = readResults(file);
  const other = results.find((result) => result.conditions !== conditions);
  if (other === undefined) return results;
  throw new Failure(
    "OtherConditions",
    `${file} has runs with ${other.conditions}, asked for is ${conditions}`,
    "Give the same flags, or another directory for the report",
  );
}

async function one(options: SuiteOptions, workload: string, nemesis: string): Promise<SuiteResult> {
  const directory = join(options.directory, `${workload}-${nemesis}`);
  const { conditions } = options;
  const nothing = { workload, nemesis, conditions, seconds: 0, operations: 0, faults: 0, effects: {}, directory };
  const { fit, unfit } = await options.prober.choose([nemesis]);
  if (fit.length === 0) return { ...nothing, valid: "impossible", why: unfit.map(({ why }) => why).join("; ") };
  try {
    const command = options.commandOf(workload, nemesis);
    const { verdict, ...rest } = await run({ ...options, workload, nemeses: fit, directory, command });
    const found = verdict.checkers.filter(({ valid }) => valid !== true);
    const why = found.map(({ checker, summary }) => `${checker}: ${summary}`).join(" ");
    return {
      workload,
      nemesis,
      conditions,
      ...rest,
      valid: expected(workload, verdict),
      ...(why === "" ? {} : { why }),
    };
  } catch (error) {
    // The harness failed, and nothing is known: it is run again next time.
    return { ...nothing, valid: "unknown", why: (error as Error).message };
  }
}

/** What nothing can promise has to be found broken, and by nobody but its own checker; where it was not, too little happened. */
function expected(workload: string, { valid, checkers }: RunVerdict): SuiteResult["valid"] {
  if (workloads[workload]?.isImpossible !== true) return valid;
  const [own, ...others] = checkers;
  if (others.some((verdict) => verdict.valid === false)) return false;
  return own?.valid === false ? "refuted" : "unknown";
}

function keyOf({ workload, nemesis }: Pick<SuiteResult, "workload" | "nemesis">): string {
  return `${workload} ${nemesis}`;
}

export function readResults(file: string): SuiteResult[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  // Who was killed while writing leaves half a line, and that run is not done.
  return lines.filter((line) => line.endsWith("}")).map((line) => JSON.parse(line) as SuiteResult);
}

const signs = { true: "✓", false: "✗", unknown: "?", impossible: "–", refuted: "✓ (refuted)" } as const;

/** A table in markdown, a row per workload: of each run its verdict, operations and faults. */
export function markdownOf(results: readonly SuiteResult[]): string {
  const nemeses = [...new Set(results.map(({ nemesis }) => nemesis))];
  const workloads = [...new Set(results.map(({ workload }) => workload))];
  const count = (number: number) => number.toLocaleString("en-US");
  const cell = (workload: string, nemesis: string) => {
    const found = results.find((result) => result.workload === workload && result.nemesis === nemesis);
    if (found === undefined) return "";
    const sign = signs[`${found.valid}`];
    return found.valid === "impossible" ? sign : `${sign} ${count(found.operations)} / ${count(found.faults)}`;
  };
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const sum = (of: (result: SuiteResult) => number) => results.reduce((total, result) => total + of(result), 0);
  const having = (valid: SuiteResult["valid"]) => results.filter((result) => result.valid === valid).length;
  const ran = results.length - having("impossible");
  return [
    row(["operations / faults", ...nemeses]),
    row(["---", ...nemeses.map(() => "---")]),
    ...workloads.map((workload) => row([workload, ...nemeses.map((nemesis) => cell(workload, nemesis))])),
    "",
    `${ran} runs in ${count(Math.round(sum(({ seconds }) => seconds)))} s: ${count(sum(({ operations }) => operations))} operations, ` +
      `${count(sum(({ faults }) => faults))} faults; ${having(true) + having("refuted")} as it must be (✓), ${having(false)} invalid (✗), ` +
      `${having("unknown")} unknown (?), ${having("impossible")} that cannot be run here (–).`,
  ].join("\n");
}
