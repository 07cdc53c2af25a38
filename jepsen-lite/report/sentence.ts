import type { Digest } from "./digest.ts";
import type { RunVerdict } from "./run.ts";
import { counted, duration } from "./units.ts";

/** The verdict, as somebody says it who has one breath. */
export function verdictSentence({ valid, checkers }: RunVerdict, { anomalies, bars }: Digest): string {
  if (bars.length === 0) return "Unknown: no operation is in this history, so nothing was tested.";
  const bad = checkers.filter((one) => one.valid === false);
  const open = checkers.filter((one) => one.valid === "unknown");
  if (valid === true)
    return `Valid: ${counted(checkers.length, "checker")} looked at this history and found nothing that cannot be.`;
  if (valid === "unknown" && checkers.length === 0) return "Unknown: no checker looked at this history.";
  if (valid === "unknown") return `Unknown: ${list(open.map(({ checker }) => checker))} could not decide.`;
  const smallest = anomalies[0];
  const found = `Invalid: ${list(bad.map(({ checker }) => checker))} found what cannot be`;
  return smallest === undefined ? `${found}.` : `${found}; the smallest: ${smallest.kind}.`;
}

/** What the verdict is about. */
export function subjectSentence({ bars, lanes, faults, leaders, endNs }: Digest): string {
  if (bars.length === 0) return "The history is empty.";
  const kinds = [...new Set(faults.map(({ kind }) => kind))];
  const under = faults.length === 0 ? "without faults" : `under ${counted(faults.length, "fault")} (${list(kinds)})`;
  const led = new Set(leaders.map(({ kind }) => kind).filter((kind) => kind !== "nobody")).size;
  const leading = led === 0 ? "" : `; ${counted(led, "member")} led`;
  return `${counted(bars.length, "operation")} of ${counted(lanes.length, "client")} in ${duration(endNs)}, ${under}${leading}.`;
}

export function list(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
