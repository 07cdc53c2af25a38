import type { Span } from "./faults.ts";
import { type Html, html } from "./html.ts";
import type { ClockSample } from "./run.ts";
import { linear } from "./scale.ts";
import { line, timeChart, timeScale } from "./svg.ts";
import { duration } from "./units.ts";

const height = 220;
/** So many points are enough for a line of a thousand pixels. */
const mostPoints = 2000;

/** How far each node's clock is from the true one. */
export function clockOffsets(samples: readonly ClockSample[], endNs: number, faults: readonly Span[]): Html {
  const nodes = [...new Set(samples.map(({ node }) => node))].sort();
  let [least, most] = [-1, 1];
  for (const { offsetMs } of samples) {
    least = Math.min(least, offsetMs);
    most = Math.max(most, offsetMs);
  }
  const label = (ms: number) => (ms === 0 ? "0" : `${ms < 0 ? "−" : "+"}${duration(Math.abs(ms) * 1e6)}`);
  const y = linear({ least, most, start: height - 24, end: 12, marks: 5, label });
  const x = timeScale(endNs);
  const legend = html`<p class="legend">${nodes.map((node, at) => html`<span><svg width="34" height="10" aria-hidden="true"><path class="line node${at % 5}" d="M1 5h32"/></svg>${node}</span>`)}</p>`;
  const picture = timeChart({
    ...{ id: "clocks", title: "Offsets of the nodes' clocks", height, endNs, faults, y },
    description: `The clocks of ${nodes.join(", ")}, between ${label(Math.round(least))} and ${label(Math.round(most))} from the true time.`,
    body: nodes.map((node, at) => {
      const own = samples.filter((sample) => sample.node === node);
      const every = Math.ceil(own.length / mostPoints);
      const points = own
        .filter((_, index) => index % every === 0 || index === own.length - 1)
        .map(({ timeNs, offsetMs }) => [x.at(timeNs), y.at(offsetMs)] as const);
      return line(`node${at % 5}`, points);
    }),
  });
  return html`${legend}${picture}`;
}
