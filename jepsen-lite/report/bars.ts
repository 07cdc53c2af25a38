import type { History, HistoryEvent, Json } from "../history/mod.ts";
import { valueText } from "./units.ts";

export const outcomes = ["ok", "info", "fail"] as const;
export type Outcome = (typeof outcomes)[number];

/** An operation as it is drawn. Unlike `Operation` of a history, one that ended in `info` ends: then its client gave up. */
export interface Bar {
  /** Index of its invocation in the history, or of its only event. */
  readonly index: number;
  readonly process: number;
  readonly f: string;
  readonly input: Json;
  readonly output: Json;
  readonly outcome: Outcome;
  readonly error: HistoryEvent["error"];
  readonly startNs: number;
  /** Undefined: never answered. */
  readonly endNs: number | undefined;
}

/**
 * The clients' operations in the order of their invocations. Takes any history: a report is wanted most of a run that is not as it should be. Who begins something while
 * he is at something else never ended the first; a completion of nothing is an operation without length.
 */
export function barsOf(history: History): Bar[] {
  const bars: Bar[] = [];
  const open = new Map<number, number>();
  for (const event of history) {
    const { process, index, f, value, timeNs, type, error } = event;
    if (process === "nemesis") continue;
    const begun = open.get(process);
    if (type === "invoke") {
      open.set(process, bars.length);
      bars.push({
        index,
        process,
        f,
        input: value,
        output: value,
        outcome: "info",
        error,
        startNs: timeNs,
        endNs: undefined,
      });
      continue;
    }
    open.delete(process);
    const bar = begun === undefined ? undefined : bars[begun];
    if (begun === undefined || bar === undefined || bar.f !== f)
      bars.push({
        index,
        process,
        f,
        input: value,
        output: value,
        outcome: type,
        error,
        startNs: timeNs,
        endNs: timeNs,
      });
    else bars[begun] = { ...bar, output: value, outcome: type, error, endNs: timeNs };
  }
  return bars;
}

/** What was asked and what came of it, without saying anything twice. */
export function barText({ f, input, output, outcome }: Pick<Bar, "f" | "input" | "output" | "outcome">): string {
  const asked = valueText(input);
  const got = valueText(output);
  if (outcome !== "ok" || got === asked) return input === null ? f : `${f} ${asked}`;
  // A transaction gets the list that it asked for, with what it read filled in.
  if (input === null || Array.isArray(input)) return `${f} ${got}`;
  return `${f} ${asked} → ${isFields(input) && isFields(output) ? valueText(added(input, output)) : got}`;
}

type Fields = Readonly<Record<string, Json>>;

function isFields(value: Json): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function added(asked: Fields, got: Fields): Fields {
  return Object.fromEntries(
    Object.entries(got).filter(([name, value]) => !(name in asked) || valueText(asked[name]) !== valueText(value)),
  );
}
