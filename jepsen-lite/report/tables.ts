import { type Bar, outcomes } from "./bars.ts";
import { type Html, html } from "./html.ts";
import { clipped, count } from "./units.ts";

function scrolling(label: string, table: Html): Html {
  return html`<div class="scroll" tabindex="0" role="group" aria-label="${label}">${table}</div>`;
}

/** How many of each operation ended how. */
export function countsTable(bars: readonly Bar[]): Html {
  const counts = new Map<string, Record<"ok" | "info" | "fail" | "open", number>>();
  for (const { f, outcome, endNs } of bars) {
    const found = counts.get(f) ?? { ok: 0, info: 0, fail: 0, open: 0 };
    counts.set(f, found);
    found[outcome]++;
    if (endNs === undefined) found.open++;
  }
  const names = [...counts.keys()].sort();
  return scrolling(
    "Operations by type and outcome",
    html`<table><thead><tr><th scope="col">operation</th>${outcomes.map((outcome) => html`<th scope="col" class="number">${outcome}</th>`)}<th scope="col" class="number">never answered</th></tr></thead><tbody>
${names.map((f) => {
  const row = counts.get(f);
  return html`<tr><th scope="row"><code>${f}</code></th>${outcomes.map((outcome) => html`<td class="number">${count(row?.[outcome] ?? 0)}</td>`)}<td class="number">${count(row?.open ?? 0)}</td></tr>`;
})}</tbody></table>`,
  );
}

/** What operations failed with, the most frequent first. */
export function errorsTable(bars: readonly Bar[]): Html | undefined {
  const classes = new Map<string, { fail: number; info: number; example: string }>();
  for (const { outcome, error } of bars) {
    if (outcome === "ok" || error === undefined) continue;
    const found = classes.get(error.class) ?? { fail: 0, info: 0, example: error.text };
    classes.set(error.class, found);
    found[outcome]++;
  }
  if (classes.size === 0) return undefined;
  const rows = [...classes.entries()].sort(([, a], [, b]) => b.fail + b.info - a.fail - a.info);
  return scrolling(
    "Errors by class",
    html`<table><thead><tr><th scope="col">error</th><th scope="col" class="number">fail</th><th scope="col" class="number">info</th><th scope="col">for example</th></tr></thead><tbody>
${rows.map(([name, { fail, info, example }]) => html`<tr><th scope="row"><code>${name}</code></th><td class="number">${count(fail)}</td><td class="number">${count(info)}</td><td>${clipped(example, 160)}</td></tr>`)}</tbody></table>`,
  );
}
