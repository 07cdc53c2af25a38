import type { Span } from "./faults.ts";
import { Html, html, type Piece } from "./html.ts";
import { linear, type Scale } from "./scale.ts";
import { duration, moment } from "./units.ts";

/** All charts over time have the same width and margins, so that a moment is at the same place in each. */
export const chart = { width: 1000, left: 76, right: 984 } as const;

export function timeScale(endNs: number): Scale {
  return linear({ most: endNs, start: chart.left, end: chart.right, marks: 8, label: duration });
}

/** Coordinates with a tenth of a pixel. */
export function px(value: number): string {
  return String(Math.round(value * 10) / 10);
}

export interface TimeChart {
  /** Unique in the page. */
  readonly id: string;
  /** What a reader hears who does not see it. */
  readonly title: string;
  readonly description: string;
  readonly height: number;
  readonly endNs: number;
  readonly faults: readonly Span[];
  /** Absent: no vertical axis. */
  readonly y?: Scale;
  readonly body: Piece;
}

/** Frame, axes and the bands of the faults; what is to be seen in it comes as `body`. */
export function timeChart({ id, title, description, height, endNs, faults, y, body }: TimeChart): Html {
  const x = timeScale(endNs);
  const bottom = height - 24;
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${title}"><svg class="chart" viewBox="0 0 ${chart.width} ${height}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">${title}</title><desc id="${id}-desc">${description}</desc>
${faults.map(
  ({ fromNs, toNs, kind, label }) =>
    html`<rect class="band" x="${px(x.at(fromNs))}" y="8" width="${px(Math.max(1.5, x.at(toNs) - x.at(fromNs)))}" height="${bottom - 8}"><title>${kind} ${label}, ${moment(fromNs)} to ${moment(toNs)}</title></rect>`,
)}
${x.ticks.map(({ value, label }) => html`<path class="grid" d="M${px(x.at(value))} 8V${bottom}"/><text class="tick" x="${px(x.at(value))}" y="${bottom + 17}" text-anchor="middle">${label}</text>`)}
${y?.ticks.map(({ value, label }) => html`<path class="grid" d="M${chart.left} ${px(y.at(value))}H${chart.right}"/><text class="tick" x="${chart.left - 8}" y="${px(y.at(value) + 4)}" text-anchor="end">${label}</text>`)}
<path class="axis" d="M${chart.left} 8V${bottom}H${chart.right}"/>
${body}</svg></div>`;
}

/** A line through points; a gap where a value is missing. */
export function line(className: string, points: readonly (readonly [number, number] | undefined)[]): Html {
  let path = "";
  let pen = "M";
  for (const point of points) {
    if (point === undefined) pen = "M";
    else {
      path += `${pen}${px(point[0])} ${px(point[1])}`;
      pen = "L";
    }
  }
  // A value between two gaps would be a line without length: round ends make it a dot.
  return path === ""
    ? new Html("")
    : html`<path class="line ${className}" d="${path}${path.includes("L") ? "" : "h0"}"/>`;
}
