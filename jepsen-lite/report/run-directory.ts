import {
  closeSync,
  createReadStream,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { Failure } from "../../base/mod.ts";
import { formatEvent, HistoryReader, type ParsedHistory } from "../history/mod.ts";
import { reportOf } from "./page.ts";
import type { ClockSample, LeaderChange, Manifest, Run, RunVerdict, SimulatedMessage } from "./run.ts";

export const runFiles = {
  history: "history.ndjson",
  manifest: "manifest.json",
  verdict: "verdict.json",
  report: "report.html",
  leaders: "leaders.ndjson",
  clocks: "clocks.ndjson",
  messages: "messages.ndjson",
} as const;

/** A run as its files tell it; `verdict` is what was said of it when it was run, if anything. */
export interface SavedRun extends Omit<Run, "verdict"> {
  readonly directory: string;
  readonly verdict: RunVerdict | undefined;
  /** The last line of the history was not written to its end. */
  readonly torn: ParsedHistory["torn"];
}

/**
 * `path` is a run's directory or its history; what lies beside the history belongs to it, if that is called `history.ndjson`.
 * @throws Failure `RunMissing`, `RunMalformed`, `HistoryMalformed`
 */
export async function readRun(path: string): Promise<SavedRun> {
  const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const historyPath = isDirectory ? join(path, runFiles.history) : path;
  if (!existsSync(historyPath))
    throw new Failure("RunMissing", `there is no ${historyPath}`, "Give a run's directory, or a history in NDJSON");
  const directory = dirname(historyPath);
  const { events, torn } = await readHistory(historyPath);
  const has = (name: string) =>
    (isDirectory || historyPath.endsWith(runFiles.history)) && existsSync(join(directory, name));
  const lines = <T>(name: string) => (has(name) ? linesOf<T>(join(directory, name)) : undefined);
  return {
    ...{ directory, history: events, torn },
    manifest: has(runFiles.manifest) ? (jsonOf(join(directory, runFiles.manifest)) as Manifest) : {},
    verdict: has(runFiles.verdict) ? verdictFrom(join(directory, runFiles.verdict)) : undefined,
    leaders: lines<LeaderChange>(runFiles.leaders),
    clocks: lines<ClockSample>(runFiles.clocks),
    messages: lines<SimulatedMessage>(runFiles.messages),
  };
}

/** Makes the directory of a run, with its report. What was there under the same names is replaced. */
export function saveRun(directory: string, run: Run): void {
  mkdirSync(directory, { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  writeLines(join(directory, runFiles.history), run.history.map(formatEvent));
  write(runFiles.manifest, `${JSON.stringify(run.manifest, undefined, 2)}\n`);
  write(runFiles.verdict, `${JSON.stringify(run.verdict, undefined, 2)}\n`);
  for (const name of ["leaders", "clocks", "messages"] as const) {
    const lines = run[name];
    if (lines !== undefined)
      writeLines(
        join(directory, runFiles[name]),
        lines.map((line) => `${JSON.stringify(line)}\n`),
      );
  }
  write(runFiles.report, reportOf(run));
}

/** In pieces: all together may be longer than a string can be. */
function writeLines(path: string, lines: readonly string[]): void {
  const file = openSync(path, "w");
  try {
    for (let at = 0; at < lines.length; at += 10_000) writeFileSync(file, lines.slice(at, at + 10_000).join(""));
  } finally {
    closeSync(file);
  }
}

/** Piece by piece: a long history is longer than a string can be. */
async function readHistory(path: string): Promise<ParsedHistory> {
  const reader = new HistoryReader();
  for await (const piece of createReadStream(path, "utf8")) reader.push(piece as string);
  return reader.finish();
}

function jsonOf(path: string): object {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw malformed(path, (cause as Error).message, cause);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed(path, "it holds no object");
  return value;
}

function verdictFrom(path: string): RunVerdict {
  const { valid, checkers } = jsonOf(path) as Partial<RunVerdict>;
  if (![true, false, "unknown"].includes(valid as string) || !Array.isArray(checkers))
    throw malformed(path, "it has no `valid` and `checkers`");
  return { valid: valid as RunVerdict["valid"], checkers };
}

function linesOf<T>(path: string): T[] {
  const values: T[] = [];
  for (const [at, line] of readFileSync(path, "utf8").split("\n").entries()) {
    if (line.trim() === "") continue;
    try {
      values.push(JSON.parse(line) as T);
    } catch (cause) {
      throw malformed(path, `line ${at + 1}: ${(cause as Error).message}`, cause);
    }
  }
  return values;
}

function malformed(path: string, why: string, cause?: unknown): Failure {
  return new Failure(
    "RunMalformed",
    `${path} cannot be used: ${why}`,
    "jepsen-lite/report/README.md says what stands in it",
    cause,
  );
}
