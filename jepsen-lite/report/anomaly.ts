import { type Bar, barText } from "./bars.ts";
import { cycleGraph } from "./cycle.ts";
import type { Digest, FoundAnomaly } from "./digest.ts";
import { type Html, html } from "./html.ts";
import { smallTimeline } from "./small-timeline.ts";
import { clipped, counted, duration, moment } from "./units.ts";

/** Anomalies beyond these are counted, not told; and of one with more operations than these, the first. */
const [mostAnomalies, mostOperations] = [12, 16];
/** A line of an explanation may quote what was read, and that may be long. */
const longestLine = 700;

/** Operations have the names that checkers call them by: the index of their invocation. */
export function anomalies({ anomalies: found, bars, lanes }: Digest): Html {
  const barAt = new Map(bars.map((bar) => [bar.index, bar]));
  const laneAt = new Map(lanes.flatMap((lane, at) => lane.map(({ index }) => [index, at] as const)));
  const told = found.slice(0, mostAnomalies);
  const left = found.length - told.length;
  return html`${told.map((one, at) => anomaly(one, at, barAt, laneAt))}${left > 0 && html`<p class="note">And ${counted(left, "more", "more")}, with as many operations or more: they stand in <code>verdict.json</code>.</p>`}`;
}

function anomaly(
  { kind, explanation, operations, cycle = [], checker }: FoundAnomaly,
  at: number,
  barAt: ReadonlyMap<number, Bar>,
  laneAt: ReadonlyMap<number, number>,
): Html {
  const bars = operations.map((index) => barAt.get(index)).filter((bar) => bar !== undefined);
  const [first, ...more] = explanation.split(/\n+/).map((line) => clipped(line, longestLine));
  return html`<article class="anomaly"><h3>${at === 0 ? "The smallest: " : ""}${kind} <span class="note">found by ${checker}</span></h3>
<p>${first}</p>
${more.length > 0 && html`<ul>${more.map((sentence) => html`<li>${sentence}</li>`)}</ul>`}
${bars.length > 0 && operationsOf(bars, at, (index) => laneAt.get(index) ?? 0)}
${cycle.length > 0 && cycleGraph(cycle, `cycle${at}`, (index) => textAt(barAt, index))}</article>`;
}

function textAt(barAt: ReadonlyMap<number, Bar>, index: number): string {
  const bar = barAt.get(index);
  return bar === undefined ? "" : barText(bar);
}

function operationsOf(all: readonly Bar[], at: number, laneOf: (index: number) => number): Html {
  const shown = all.slice(0, mostOperations);
  return html`${smallTimeline(shown, `small${at}`, laneOf)}
<div class="scroll" tabindex="0" role="group" aria-label="Operations of this anomaly"><table><thead><tr><th scope="col" class="number">No.</th><th scope="col">client</th><th scope="col">operation</th><th scope="col">outcome</th><th scope="col" class="number">from</th><th scope="col" class="number">took</th></tr></thead><tbody>
${shown.map(
  (
    bar,
  ) => html`<tr><td class="number">${bar.index}</td><td>${laneOf(bar.index)}</td><td><code>${clipped(barText(bar), 240)}</code></td><td>${bar.outcome}${bar.error && `: ${bar.error.class}`}</td><td class="number">${moment(bar.startNs)}</td><td class="number">${bar.endNs === undefined ? "never answered" : duration(bar.endNs - bar.startNs)}</td></tr>
`,
)}</tbody></table></div>
${all.length > shown.length && html`<p class="note">The first ${shown.length} of ${counted(all.length, "operation")}.</p>`}
<p><button type="button" data-anomaly="${at}">Show in the timeline</button></p>`;
}
