import type { HistoryEvent, Json } from "../history/mod.ts";
import { clipped, valueText } from "./units.ts";

/** Something that held for a while: a fault, a leadership. */
export interface Span {
  readonly fromNs: number;
  readonly toNs: number;
  /** Spans of one kind share a row. */
  readonly kind: string;
  /** What stands in it: of a fault, whom it strikes. */
  readonly label: string;
}

/** What a nemesis calls the end of a fault whose beginning has another name than start-… */
const endings: Readonly<Record<string, string>> = {
  heal: "partition",
  resume: "pause",
  continue: "pause",
  restart: "kill",
  start: "kill",
  reset: "clock",
};
const beginning = /^start[-_ ]?(.+)$/;
const ending = /^(?:stop|end|heal|resume|restart|reset|clear)[-_ ]?(.+)$/;

/** One thing that the nemesis did: from when it was asked for until it was done. */
interface Change {
  readonly f: string;
  readonly value: Json;
  readonly fromNs: number;
  readonly toNs: number;
}

/**
 * The nemesis' operations as spans: `start-x` … `stop-x` (also `heal-x`, `reset-x`), `partition` … `heal`, `pause` … `resume`, `kill` … `start`, and whatever a `heal` names as its
 * `what`. Who says for how long (`us` of its value) is believed; a fault of a kind that is never ended is as long as it took. One that is not ended this time lasts
 * until it comes again, or until the end of the run.
 */
export function faultsOf(events: readonly HistoryEvent[], endNs: number): Span[] {
  const changes = changesOf(events);
  const kindsThatEnd = new Set(changes.map(endedBy));
  const spans: Span[] = [];
  const open = new Map<string, { fromNs: number; label: string }>();
  const close = (kind: string, toNs: number) => {
    const found = open.get(kind);
    if (found === undefined) return false;
    spans.push({ ...found, toNs, kind });
    open.delete(kind);
    return true;
  };
  for (const change of changes) {
    const { f, value, fromNs, toNs } = change;
    const ended = endedBy(change);
    if (ended !== undefined && close(ended, toNs)) continue;
    const started = beginning.exec(f)?.[1];
    const kind = started ?? f;
    const label = labelOf(kind, value);
    const lastsNs = fieldOf(value, "us");
    if (typeof lastsNs === "number") spans.push({ fromNs, toNs: Math.min(endNs, toNs + lastsNs * 1000), kind, label });
    else if (started === undefined && !kindsThatEnd.has(kind)) spans.push({ fromNs, toNs, kind, label });
    else {
      close(kind, fromNs);
      open.set(kind, { fromNs, label });
    }
  }
  for (const kind of [...open.keys()]) close(kind, endNs);
  return spans.sort((a, b) => a.fromNs - b.fromNs || a.kind.localeCompare(b.kind));
}

/** An `invoke` and the next event of its name are one; an event without an `invoke` is one by itself. */
function changesOf(events: readonly HistoryEvent[]): Change[] {
  const changes: Change[] = [];
  const asked = new Map<string, number>();
  for (const { process, type, f, value, timeNs } of events) {
    if (process !== "nemesis") continue;
    const at = asked.get(f);
    const before = at === undefined ? undefined : changes[at];
    if (type === "invoke") asked.set(f, changes.length);
    if (type === "invoke" || at === undefined || before === undefined) {
      changes.push({ f, value, fromNs: timeNs, toNs: timeNs });
      continue;
    }
    changes[at] = { ...before, value: before.value ?? value, toNs: timeNs };
    asked.delete(f);
  }
  return changes;
}

function endedBy({ f, value }: Change): string | undefined {
  const what = f === "heal" ? fieldOf(value, "what") : undefined;
  return typeof what === "string" ? what : (endings[f] ?? ending.exec(f)?.[1]);
}

function fieldOf(value: Json, name: string): Json | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return (value as { readonly [name: string]: Json })[name];
}

function labelOf(kind: string, value: Json): string {
  const one = Array.isArray(value) && value.length === 1 ? value[0] : (fieldOf(value, "target") ?? value);
  return one === null ? kind : clipped(valueText(one), 80);
}
