import type { Span } from "./faults.ts";
import { type Html, html } from "./html.ts";
import { chart, px, timeChart, timeScale } from "./svg.ts";
import { clipped, counted, duration } from "./units.ts";

const [rowPx, top] = [24, 12];

/** A row of leaders, and one for each kind of fault, with their names in them. */
export function overview(leaders: readonly Span[], faults: readonly Span[], endNs: number): Html | undefined {
  const kinds = [...new Set(faults.map(({ kind }) => kind))];
  const rows = [
    ...(leaders.length > 0 ? [{ name: "leader", spans: leaders, className: "leader" }] : []),
    ...kinds.map((kind) => ({ name: kind, spans: faults.filter((fault) => fault.kind === kind), className: "fault" })),
  ];
  if (rows.length === 0) return undefined;
  const x = timeScale(endNs);
  return timeChart({
    ...{ id: "overview", title: "Leaders and faults over time", endNs, faults: [] },
    description: rows.map(({ name, spans }) => `${name}: ${spanList(spans)}`).join(". "),
    height: top + rows.length * rowPx + 28,
    body: rows.map(({ name, spans, className }, row) => {
      const y = top + row * rowPx;
      return html`<text class="tick" x="${chart.left - 8}" y="${y + 15}" text-anchor="end">${clipped(name, 11)}</text>${spans.map(
        (span) => {
          const [from, to] = [x.at(span.fromNs), x.at(span.toNs)];
          const letters = Math.floor((to - from - 8) / 6.6);
          return html`<g><title>${span.label}, ${duration(span.fromNs)} to ${duration(span.toNs)}</title><rect class="${className}${leaderClass(className, span)}" x="${px(from)}" y="${y}" width="${px(Math.max(2, to - from - 1))}" height="${rowPx - 4}" rx="2"/>${letters >= 2 && html`<text class="in" x="${px(from + 5)}" y="${y + 14}">${clipped(span.label, letters)}</text>`}</g>`;
        },
      )}`;
    }),
  });
}

function leaderClass(className: string, { kind }: Span): string {
  return className === "leader" && kind === "nobody" ? " nobody" : "";
}

/** The first few, in words: nobody wants to hear a hundred. */
function spanList(spans: readonly Span[]): string {
  const told = spans
    .slice(0, 8)
    .map(({ label, fromNs, toNs }) => `${label} from ${duration(fromNs)} to ${duration(toNs)}`);
  const more = spans.length - told.length;
  return `${told.join(", ")}${more > 0 ? ` and ${counted(more, "more time", "more times")}` : ""}`;
}
