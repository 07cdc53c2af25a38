import { type Bar, type Outcome, outcomes } from "./bars.ts";
import type { Span } from "./faults.ts";
import { type Html, html } from "./html.ts";
import { logarithmic, type Scale } from "./scale.ts";
import { line, timeChart, timeScale } from "./svg.ts";
import { count, duration } from "./units.ts";
import { quantile, type Window } from "./windows.ts";

const height = 260;

function latencyScale(operations: readonly Bar[]): Scale {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (const { startNs, endNs } of operations) {
    // What took no time has no place on such a scale; it is drawn at its lower end.
    if (endNs === undefined || endNs === startNs) continue;
    least = Math.min(least, endNs - startNs);
    most = Math.max(most, endNs - startNs);
  }
  if (most === 0) return logarithmic({ least: 1e5, most: 1e8, start: height - 24, end: 12, label: duration });
  return logarithmic({ least, most, start: height - 24, end: 12, label: duration });
}

/** What is drawn at a point, by outcome: a dot, a triangle, a cross. Told apart without their colours. */
const marks: Readonly<Record<Outcome, string>> = {
  ok: "h0",
  info: "m-3 2.5h6l-3-5.5z",
  fail: "m-2.5-2.5l5 5m0-5l-5 5",
};

/** Points that would cover each other are drawn once, so that a history of any length makes a picture of a bounded size. */
const cellPx = 2;

export function latencyScatter(operations: readonly Bar[], endNs: number, faults: readonly Span[]): Html {
  const [x, y] = [timeScale(endNs), latencyScale(operations)];
  const seen: Record<Outcome, Set<number>> = { ok: new Set(), info: new Set(), fail: new Set() };
  for (const { startNs, endNs: ended, outcome } of operations) {
    if (ended === undefined) continue;
    const column = Math.round(x.at(startNs) / cellPx);
    seen[outcome].add(column * 1000 + Math.round(y.at(ended - startNs) / cellPx));
  }
  return timeChart({
    ...{ id: "latency", title: "Latency of each operation", height, endNs, faults, y },
    description: `Each of ${count(operations.length)} operations at the moment of its invocation, by how long it took, on a logarithmic scale. Dots are ok, triangles info, crosses fail.`,
    body: outcomes.map((outcome) => {
      let path = "";
      for (const cell of seen[outcome])
        path += `M${Math.floor(cell / 1000) * cellPx} ${(cell % 1000) * cellPx}${marks[outcome]}`;
      return path !== "" && html`<path class="point ${outcome}" d="${path}"/>`;
    }),
  });
}

const shares = [
  { share: 0.5, name: "half", className: "q50" },
  { share: 0.95, name: "95 %", className: "q95" },
  { share: 0.99, name: "99 %", className: "q99" },
  { share: 1, name: "all", className: "q100" },
];

export function latencyQuantiles(
  operations: readonly Bar[],
  windows: readonly Window[],
  endNs: number,
  faults: readonly Span[],
): Html {
  const [x, y] = [timeScale(endNs), latencyScale(operations)];
  return timeChart({
    ...{ id: "quantiles", title: "Quantiles of latency", height, endNs, faults, y },
    description:
      "In each window of time: the latency below which half, 95 %, 99 % and all of the operations lay that were ok.",
    body: shares.map(({ share, className }) =>
      line(
        className,
        windows.map(({ fromNs, toNs, latenciesNs }) => {
          const latency = quantile(latenciesNs, share);
          return latency === undefined ? undefined : [x.at(Math.min(endNs, (fromNs + toNs) / 2)), y.at(latency)];
        }),
      ),
    ),
  });
}

export const quantileLegend = html`<p class="legend">${shares.map(({ name, className }) => html`<span><svg width="34" height="10" aria-hidden="true"><path class="line ${className}" d="M1 5h32"/></svg>${name}</span>`)}</p>`;

export const outcomeLegend = html`<p class="legend">${outcomes.map((outcome) => html`<span><svg width="14" height="12" aria-hidden="true"><path class="point ${outcome}" d="M7 6${marks[outcome]}"/></svg>${outcome}</span>`)}</p>`;

/** The figures of the plot, for who wants figures. */
export function quantileTable(operations: readonly Bar[]): Html {
  const names = [...new Set(operations.map(({ f }) => f))].sort();
  const rows = names.map((f) => {
    const latencies = operations.flatMap(({ f: its, outcome, startNs, endNs }) =>
      its === f && outcome === "ok" && endNs !== undefined ? [endNs - startNs] : [],
    );
    return { f, sorted: Float64Array.from(latencies).sort() };
  });
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Quantiles of latency, as a table"><table><thead><tr><th scope="col">operation</th>${shares.map(({ name }) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead><tbody>
${rows.map(
  ({ f, sorted }) =>
    html`<tr><th scope="row"><code>${f}</code></th>${shares.map(({ share }) => {
      const latency = quantile(sorted, share);
      return html`<td class="number">${latency === undefined ? "–" : duration(latency)}</td>`;
    })}</tr>`,
)}</tbody></table></div>`;
}
