import { type Html, html } from "./html.ts";
import type { SimulatedMessage } from "./run.ts";
import { px } from "./svg.ts";
import { clipped, count, moment } from "./units.ts";

/** More would not be read. */
export const mostMessages = 400;
const [rowPx, top, left, lanePx] = [18, 34, 92, 170];

/**
 * Messages between nodes, in the order in which they were sent: one line per node, one row per message, and the rows are not to the scale of time. Of a long run: those
 * before `untilNs`, which is where something went wrong.
 */
export function messageSequence(messages: readonly SimulatedMessage[], untilNs: number): Html {
  const inOrder = messages.toSorted((a, b) => a.sentNs - b.sentNs);
  const end = Math.max(mostMessages, inOrder.findLastIndex(({ sentNs }) => sentNs <= untilNs) + 1);
  const shown = inOrder.slice(Math.max(0, end - mostMessages), end);
  const nodes = [...new Set(shown.flatMap(({ from, to }) => [from, to]))].sort();
  const xOf = (node: string) => left + lanePx / 2 + nodes.indexOf(node) * lanePx;
  const height = top + shown.length * rowPx + 12;
  const width = left + nodes.length * lanePx;
  const lost = shown.filter(({ deliveredNs }) => deliveredNs === undefined).length;
  return html`<p class="note">${count(shown.length)} of ${count(messages.length)} messages, ${count(lost)} of them lost. Rows are in the order of sending; the distance between rows is not time.</p>
<div class="scroll tall" tabindex="0" role="group" aria-label="Messages between nodes"><svg class="sequence" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="sequence-title"><title id="sequence-title">Messages between ${nodes.join(", ")}</title>
<defs><marker id="arrow-head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="head" d="M0 0L8 4L0 8z"/></marker></defs>
${nodes.map((node) => html`<text class="node" x="${xOf(node)}" y="16" text-anchor="middle">${clipped(node, 22)}</text><path class="grid" d="M${xOf(node)} 24V${height}"/>`)}
${shown.map((message, row) => arrow(message, row, xOf))}</svg></div>`;
}

function arrow(
  { from, to, sentNs, deliveredNs, type, text }: SimulatedMessage,
  row: number,
  xOf: (node: string) => number,
): Html {
  const y = top + row * rowPx;
  const [start, end] = [xOf(from), xOf(to)];
  // Lost: the arrow ends half-way, in a cross.
  const stop = deliveredNs === undefined ? start + (end - start) * 0.55 : end;
  const fate = deliveredNs === undefined ? "lost" : `delivered ${moment(deliveredNs)}`;
  const words = clipped(text === undefined ? type : `${type} ${text}`, Math.floor(Math.abs(stop - start) / 6.2) || 24);
  return html`<g class="${deliveredNs === undefined ? "lost" : "message"}"><title>${moment(sentNs)} ${from} to ${to}: ${type} ${text ?? ""}, ${fate}</title><text class="tick" x="4" y="${y + 4}">${moment(sentNs)}</text><path d="M${start} ${y}H${px(stop)}"${deliveredNs !== undefined && html` marker-end="url(#arrow-head)"`}/>${deliveredNs === undefined && html`<path d="M${px(stop - 4)} ${y - 4}l8 8m0-8l-8 8"/>`}<text class="words" x="${px((start + stop) / 2)}" y="${y - 3}" text-anchor="middle">${words}</text></g>`;
}
