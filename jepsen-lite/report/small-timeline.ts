import { type Bar, barText } from "./bars.ts";
import { type Html, html } from "./html.ts";
import { linear } from "./scale.ts";
import { px } from "./svg.ts";
import { clipped, moment } from "./units.ts";

const [width, left, right, rowPx, barPx] = [900, 76, 888, 36, 17];

/** A few operations alone, each with its number above it and each client a row. What was never answered is open to the right. */
export function smallTimeline(bars: readonly Bar[], id: string, laneOf: (index: number) => number): Html {
  const lanes = [...new Set(bars.map(({ index }) => laneOf(index)))].sort((a, b) => a - b);
  const fromNs = Math.min(...bars.map(({ startNs }) => startNs));
  const toNs = Math.max(fromNs + 1, ...bars.map(({ startNs, endNs }) => endNs ?? startNs));
  const marginNs = (toNs - fromNs) * 0.04;
  const least = Math.max(0, fromNs - marginNs);
  const x = linear({ least, most: toNs + marginNs, start: left, end: right, marks: 5, label: moment });
  const height = lanes.length * rowPx + 30;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="When these operations were"><svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${id}-title"><title id="${id}-title">The operations of this anomaly over time, each client a row; the table has the same</title>
${x.ticks.map(({ value, label }) => html`<path class="grid" d="M${px(x.at(value))} 4V${height - 22}"/><text class="tick" x="${px(x.at(value))}" y="${height - 7}" text-anchor="middle">${label}</text>`)}
${lanes.map((lane, row) => html`<text class="tick" x="${left - 8}" y="${row * rowPx + 28}" text-anchor="end">client ${lane}</text>`)}
${bars.map((bar) => {
  const start = x.at(bar.startNs);
  const end = bar.endNs === undefined ? right : x.at(bar.endNs);
  return drawn(bar, start, Math.max(3, end - start), lanes.indexOf(laneOf(bar.index)) * rowPx + 15);
})}</svg></div>`;
}

function drawn(bar: Bar, x: number, wide: number, y: number): Html {
  const { outcome, index } = bar;
  const textX = outcome === "fail" ? barPx + 3 : 5;
  const letters = Math.floor((wide - textX - 3) / 6.6);
  const bottom = y + barPx;
  const shapes = {
    ok: html`<rect class="bar ok" x="${px(x)}" y="${y}" width="${px(wide)}" height="${barPx}" rx="2"/>`,
    info: html`<path class="bar info" d="M${px(x + wide)} ${y}H${px(x)}V${bottom}H${px(x + wide)}"/>`,
    fail: html`<rect class="bar fail" x="${px(x)}" y="${y}" width="${px(wide)}" height="${barPx}"/><path class="cross" d="M${px(x)} ${bottom}l${px(Math.min(wide, barPx))} -${barPx}"/>`,
  };
  return html`<g><title>${index}: ${barText(bar)}, ${outcome}</title>${shapes[outcome]}<text class="tick" x="${px(x)}" y="${y - 3}">${index}</text>${letters > 3 && html`<text class="in${outcome === "ok" ? " on-ok" : ""}" x="${px(x + textX)}" y="${y + 12}">${clipped(barText(bar), letters)}</text>`}</g>
`;
}
