import { type Html, html } from "./html.ts";
import type { CycleEdge } from "./run.ts";
import { px } from "./svg.ts";
import { clipped } from "./units.ts";

const [width, boxWidth, boxHeight] = [600, 176, 42];

/** A cycle of operations as a ring of boxes: who has to be before whom. `textOf` says of an invocation's index what stands in its box. */
export function cycleGraph(cycle: readonly CycleEdge[], id: string, textOf: (index: number) => string): Html {
  const nodes = [...new Set(cycle.flatMap(({ from, to }) => [from, to]))];
  const two = nodes.length <= 2;
  const [radiusX, radiusY] = [width / 2 - boxWidth / 2 - 12, two ? 0 : nodes.length <= 4 ? 100 : 170];
  /** From the first, at the top (of two: at the left), clockwise. */
  const angleOf = (at: number) => 2 * Math.PI * (at / nodes.length + (two ? 0.5 : -0.25));
  // A ring of three reaches less far down than up.
  const lowest = Math.max(...nodes.map((_, at) => radiusY * Math.sin(angleOf(at))));
  const above = radiusY + boxHeight / 2 + (two ? 55 : 8);
  const height = above + lowest + boxHeight / 2 + (two ? 55 : 34);
  const centre = (index: number): Point => {
    const angle = angleOf(nodes.indexOf(index));
    return [width / 2 + radiusX * Math.cos(angle), above + radiusY * Math.sin(angle)];
  };
  const edges = cycle.map(({ from, to, kind, because }) => ({
    kind,
    because,
    ...curve(centre(from), centre(to), two ? 62 : 22),
  }));
  return html`<div class="scroll" tabindex="0" role="group" aria-label="The cycle as a picture"><svg class="cycle" width="${width}" height="${px(height)}" viewBox="0 0 ${width} ${px(height)}" role="img" aria-labelledby="${id}-title ${id}-desc">
<title id="${id}-title">A cycle of ${nodes.length} operations</title><desc id="${id}-desc">${cycle.map(({ from, to, kind, because }) => `${from} is before ${to} (${kind}): ${because}`).join(". ")}</desc>
<defs><marker id="${id}-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>
${edges.map(({ path, because }) => html`<path class="edge" d="${path}" marker-end="url(#${id}-head)"><title>${because}</title></path>`)}
${nodes.map((index) => {
  const [x, y] = centre(index);
  return html`<g><title>${index} ${textOf(index)}</title><rect class="node" x="${px(x - boxWidth / 2)}" y="${px(y - boxHeight / 2)}" width="${boxWidth}" height="${boxHeight}" rx="6"/><text class="tick" x="${px(x)}" y="${px(y - 5)}" text-anchor="middle">${index}</text><text class="in" x="${px(x)}" y="${px(y + 12)}" text-anchor="middle">${clipped(textOf(index), 25)}</text></g>`;
})}
${edges.map(({ kind, label: [x, y] }) => {
  const plate = kind.length * 7.5 + 10;
  return html`<rect class="kind-plate" x="${px(x - plate / 2)}" y="${px(y - 9)}" width="${px(plate)}" height="18" rx="4"/><text class="kind" x="${px(x)}" y="${px(y + 4)}" text-anchor="middle">${kind}</text>`;
})}</svg></div>`;
}

type Point = readonly [number, number];

/** From the border of one box to that of another, bent to the left of the way: on a ring that goes clockwise, outwards. */
function curve(from: Point, to: Point, bend: number): { readonly path: string; readonly label: Point } {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy) || 1;
  const control: Point = [(from[0] + to[0]) / 2 + (dy / length) * bend, (from[1] + to[1]) / 2 - (dx / length) * bend];
  const [start, end] = [border(from, control), border(to, control)];
  const label: Point = [
    0.25 * start[0] + 0.5 * control[0] + 0.25 * end[0],
    0.25 * start[1] + 0.5 * control[1] + 0.25 * end[1],
  ];
  return {
    path: `M${px(start[0])} ${px(start[1])}Q${px(control[0])} ${px(control[1])} ${px(end[0])} ${px(end[1])}`,
    label,
  };
}

/** Where the way from a box's centre to a point leaves the box. */
function border(centre: Point, towards: Point): Point {
  const [dx, dy] = [towards[0] - centre[0], towards[1] - centre[1]];
  const share = Math.min(
    (boxWidth / 2 + 3) / Math.max(1e-9, Math.abs(dx)),
    (boxHeight / 2 + 3) / Math.max(1e-9, Math.abs(dy)),
    1,
  );
  return [centre[0] + dx * share, centre[1] + dy * share];
}
