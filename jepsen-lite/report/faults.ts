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
/** Faults that last until another operation of the nemesis ends them. */
const lasting = new Set(Object.values(endings));

/**
 * The nemesis' operations as spans: `start-x` … `stop-x` (also `heal-x`, `reset-x`), `partition` … `heal`, `pause` … `resume`, `kill` … `start`; any other is as long as it took.
 * A fault that nobody ends lasts until the end of the run.
 */
export function faultsOf(events: readonly HistoryEvent[], endNs: number): Span[] {
  const spans: Span[] = [];
  const open = new Map<string, { fromNs: number; label: string }>();
  let under: HistoryEvent | undefined;
  const close = (kind: string, toNs: number) => {
    const found = open.get(kind);
    if (found === undefined) return false;
    spans.push({ ...found, toNs, kind });
    open.delete(kind);
    return true;
  };
  const fault = (invoked: HistoryEvent, completed: HistoryEvent) => {
    const started = beginning.exec(invoked.f)?.[1];
    const ended = endings[invoked.f] ?? ending.exec(invoked.f)?.[1];
    if (ended !== undefined && close(ended, completed.timeNs)) return;
    const kind = started ?? invoked.f;
    const label = labelOf(kind, invoked.value ?? completed.value);
    if (started === undefined && !lasting.has(kind)) {
      spans.push({ fromNs: invoked.timeNs, toNs: completed.timeNs, kind, label });
      return;
    }
    close(kind, invoked.timeNs);
    open.set(kind, { fromNs: invoked.timeNs, label });
  };
  for (const event of events) {
    if (event.process !== "nemesis") continue;
    if (under === undefined) under = event;
    else if (under.f === event.f) {
      fault(under, event);
      under = undefined;
    } else {
      fault(under, under);
      under = event;
    }
  }
  if (under !== undefined) fault(under, under);
  for (const kind of [...open.keys()]) close(kind, endNs);
  return spans.sort((a, b) => a.fromNs - b.fromNs || a.kind.localeCompare(b.kind));
}

function labelOf(kind: string, value: Json): string {
  const one = Array.isArray(value) && value.length === 1 ? value[0] : value;
  return one === null ? kind : clipped(valueText(one), 80);
}
