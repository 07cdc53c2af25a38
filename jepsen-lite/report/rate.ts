import { outcomes } from "./bars.ts";
import type { Span } from "./faults.ts";
import { type Html, html } from "./html.ts";
import { linear } from "./scale.ts";
import { line, timeChart, timeScale } from "./svg.ts";
import { count, duration } from "./units.ts";
import type { Window } from "./windows.ts";

const height = 220;

/** Completions a second, by outcome. */
export function rates(windows: readonly Window[], endNs: number, faults: readonly Span[]): Html {
  const widthNs = (windows[0]?.toNs ?? 1e9) - (windows[0]?.fromNs ?? 0);
  const perSecond = (completions: number) => (completions * 1e9) / widthNs;
  const most = Math.max(1, ...windows.flatMap(({ counts }) => outcomes.map((outcome) => perSecond(counts[outcome]))));
  const y = linear({
    most,
    start: height - 24,
    end: 12,
    marks: 4,
    label: (value) => count(Math.round(value * 10) / 10),
  });
  const x = timeScale(endNs);
  return timeChart({
    ...{ id: "rate", title: "Operations a second, by outcome", height, endNs, faults, y },
    description: `In each window of ${duration(widthNs)}: completions a second that were ok, fail and info.`,
    body: outcomes.map((outcome) =>
      line(
        `rate ${outcome}`,
        windows.map(({ fromNs, toNs, counts }) => [
          x.at(Math.min(endNs, (fromNs + toNs) / 2)),
          y.at(perSecond(counts[outcome])),
        ]),
      ),
    ),
  });
}

export const rateLegend = html`<p class="legend">${outcomes.map((outcome) => html`<span><svg width="34" height="10" aria-hidden="true"><path class="line rate ${outcome}" d="M1 5h32"/></svg>${outcome}</span>`)}</p>`;
