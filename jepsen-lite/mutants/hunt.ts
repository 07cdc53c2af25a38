import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Caught, SeededBug } from "./bug.ts";
import { namedIn } from "./search.ts";

export interface HuntOptions {
  /** The first seed. */
  readonly from: number;
  /** Seeds after which a bug that was never caught counts as not caught. */
  readonly seeds: number;
  /** So many times it is caught, and no more: the median is of these. */
  readonly samples: number;
  /** Real time after which no further sample is begun. */
  readonly patienceMs: number;
}

/** What became of one bug. */
export interface Trophy {
  readonly bug: SeededBug;
  /** Seeds it took each time, counted from the one before. */
  readonly gaps: readonly number[];
  /** Seeds in which a checker that counts reported it. */
  readonly caughtIn: readonly number[];
  /** How often each of them did. */
  readonly by: ReadonlyMap<string, number>;
  /** Others that reported something, which counts for nothing. */
  readonly others: ReadonlyMap<string, number>;
  readonly tried: number;
  /** Seeds that did not end within `stuckMs`. */
  readonly stuck: number;
  readonly ms: number;
  /** What the same seeds report without the bug: nothing, if it is the bug that was caught. */
  readonly falseAlarms: readonly Caught[];
}

interface Told {
  readonly seed: number;
  readonly reports: readonly Caught[];
}

/** A seed that takes longer never ends: some bugs make two parts of the store go round in circles. */
const stuckMs = 30_000;

/** Tries seed after seed with the bug in, each in a process that has it, until it was caught often enough; then those again without it. */
export async function hunt(bug: SeededBug, { from, seeds, samples, patienceMs }: HuntOptions): Promise<Trophy> {
  const startMs = performance.now();
  const [gaps, caughtIn]: [number[], number[]] = [[], []];
  const [by, others] = [new Map<string, number>(), new Map<string, number>()];
  let stuck = 0;
  let last = from - 1;
  const limit = Math.min(seeds, bug.budget ?? seeds);
  const enough = () =>
    gaps.length >= samples || last - from + 1 >= limit || (gaps.length > 0 && performance.now() - startMs > patienceMs);
  let since = from;
  while (!enough()) {
    for await (const { seed, reports } of attempts([bug.number, last + 1, limit - (last - from + 1)])) {
      last = seed;
      const named = namedIn(bug, reports);
      if (named !== undefined) {
        gaps.push(seed - since + 1);
        caughtIn.push(seed);
        since = seed + 1;
        add(by, named);
      } else for (const { by, kinds = [] } of reports) add(others, [by, ...kinds].join(": "));
      if (enough()) break;
    }
    if (enough()) break;
    // The process told nothing of the next seed.
    stuck++;
    last++;
  }
  const falseAlarms: Caught[] = [];
  for (const seed of caughtIn) {
    for await (const { reports } of attempts([bug.number, seed, 1, "control"])) falseAlarms.push(...reports);
  }
  return {
    bug,
    gaps,
    caughtIn,
    by,
    others,
    tried: last - from + 1,
    stuck,
    ms: performance.now() - startMs,
    falseAlarms,
  };
}

export function isCaught({ gaps, falseAlarms }: Trophy): boolean {
  return gaps.length > 0 && falseAlarms.length === 0;
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] as number;
}

/** What a process of a search tells, until it ends, says nothing for too long, or nobody listens any more. */
export async function* attempts(args: readonly (string | number)[]): AsyncGenerator<Told> {
  const file = new URL("child.ts", import.meta.url).pathname;
  const flags = ["--disable-warning=ExperimentalWarning", file, ...args.map(String)];
  const child = spawn(process.execPath, flags, { stdio: ["ignore", "pipe", "pipe"] });
  const errors: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => errors.push(text));
  const exit = new Promise<number | null>((resolve) => child.once("exit", resolve));
  let timer = impatient(child);
  let killed = false;
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      clearTimeout(timer);
      yield JSON.parse(line) as Told;
      timer = impatient(child);
    }
    const code = await exit;
    if (code !== 0 && code !== null) throw new Error(`a process of the search ended with ${code}: ${errors.join("")}`);
  } finally {
    killed = child.kill("SIGKILL");
    clearTimeout(timer);
    if (killed) await exit;
  }
}

function impatient(child: ChildProcess): NodeJS.Timeout {
  return setTimeout(() => child.kill("SIGKILL"), stuckMs);
}

function add(counted: Map<string, number>, name: string): void {
  counted.set(name, (counted.get(name) ?? 0) + 1);
}
