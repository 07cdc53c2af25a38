import { type Bar, barText, outcomes } from "./bars.ts";
import type { Digest } from "./digest.ts";
import type { Span } from "./faults.ts";
import { clipped } from "./units.ts";

/** What page/timeline.js draws, in columns: 100,000 operations are two or three megabytes. Operations are by client, each client's in order. */
export interface Timeline {
  /** Nanoseconds in a unit of time: a thousand, but of a run so short that somebody wrote it by hand. */
  readonly unitNs: number;
  readonly end: number;
  /** Names of the clients, and how many operations each has. */
  readonly lanes: readonly string[];
  readonly lengths: readonly number[];
  /** From the start of the client's operation before; of its first, from the beginning. */
  readonly start: readonly number[];
  /** -1: never answered. */
  readonly took: readonly number[];
  /** Places in `outcomes` and in `fs`. */
  readonly outcome: readonly number[];
  readonly f: readonly number[];
  readonly fs: readonly string[];
  /** Empty where there was no room for it. */
  readonly texts: readonly string[];
  readonly faults: readonly TimelineSpan[];
  readonly leaders: readonly TimelineSpan[];
  readonly anomalies: readonly { readonly title: string; readonly operations: readonly number[] }[];
}

interface TimelineSpan {
  readonly from: number;
  readonly to: number;
  readonly kind: string;
  readonly label: string;
}

/** Bytes of all operations' values together: what keeps a page of any history below five megabytes. */
const roomForTexts = 2_000_000;
const [longestText, shortestText] = [120, 8];

export function timelineOf({ lanes, faults, leaders, anomalies, endNs }: Digest): Timeline {
  const all = lanes.flat();
  const fs = [...new Set(all.map(({ f }) => f))].sort();
  const placeOf = new Map(all.map(({ index }, at) => [index, at]));
  const told = new Set(anomalies.flatMap(({ operations }) => operations));
  const unitNs = endNs < 1e7 ? 1 : 1000;
  const units = (ns: number) => Math.round(ns / unitNs);
  const span = ({ fromNs, toNs, kind, label }: Span) => ({ from: units(fromNs), to: units(toNs), kind, label });
  return {
    unitNs,
    end: Math.max(1, units(endNs)),
    lanes: lanes.map((_, lane) => `client ${lane}`),
    lengths: lanes.map(({ length }) => length),
    start: lanes.flatMap((lane) => lane.map(({ startNs }, at) => units(startNs) - units(lane[at - 1]?.startNs ?? 0))),
    took: all.map(({ startNs, endNs: ended }) => (ended === undefined ? -1 : units(ended) - units(startNs))),
    outcome: all.map(({ outcome }) => outcomes.indexOf(outcome)),
    f: all.map(({ f }) => fs.indexOf(f)),
    fs,
    texts: textsOf(all, told),
    faults: faults.map(span),
    leaders: leaders.map(span),
    anomalies: anomalies.map(({ kind, checker, operations }) => ({
      title: `${kind} (${checker})`,
      operations: operations.map((index) => placeOf.get(index)).filter((at) => at !== undefined),
    })),
  };
}

/** Those of the anomalies are as long as they may be; the others share what room there is. */
function textsOf(bars: readonly Bar[], told: ReadonlySet<number>): string[] {
  const whole = bars.map((bar) => {
    const error = bar.error === undefined ? "" : `: ${bar.error.class}`;
    return clipped(`${barText(bar).slice(bar.f.length + 1)}${error}`, longestText);
  });
  for (let most = longestText; ; ) {
    const texts = whole.map((text, at) => (told.has((bars[at] as Bar).index) ? text : clippedOrNone(text, most)));
    const sizeBytes = Buffer.byteLength(JSON.stringify(texts));
    if (sizeBytes <= roomForTexts || most === 0) return texts;
    most = Math.min(most - 1, Math.floor((most * roomForTexts) / sizeBytes));
  }
}

function clippedOrNone(text: string, most: number): string {
  return most < shortestText ? "" : clipped(text, most);
}
