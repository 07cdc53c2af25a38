import { readFileSync } from "node:fs";
import { join } from "node:path";
import { anomalies } from "./anomaly.ts";
import { clockOffsets } from "./clocks.ts";
import { type Digest, digestOf } from "./digest.ts";
import { Html, html, type Piece, scriptJson } from "./html.ts";
import { latencyQuantiles, latencyScatter, outcomeLegend, quantileLegend, quantileTable } from "./latency.ts";
import { overview } from "./overview.ts";
import { rateLegend, rates } from "./rate.ts";
import type { CheckerVerdict, Manifest, Run } from "./run.ts";
import { subjectSentence, verdictSentence } from "./sentence.ts";
import { messageSequence } from "./sequence.ts";
import { countsTable, errorsTable } from "./tables.ts";
import { timelineOf } from "./timeline.ts";
import { clipped, counted, valueText } from "./units.ts";
import { windowsOf } from "./windows.ts";

const asset = (name: string) => new Html(readFileSync(join(import.meta.dirname, "page", name), "utf8"));

/** The whole report, one file that needs no other: `report.html`. */
export function reportOf(run: Run): string {
  const { history, manifest, verdict, clocks = [], messages = [] } = run;
  const digest = digestOf(run);
  const { bars, endNs, faults } = digest;
  const windows = windowsOf(bars, endNs);
  const sentence = verdictSentence(verdict, digest);
  const smallest = digest.anomalies[0];
  const firstWrong = smallest?.operations.at(-1);
  const untilNs = firstWrong === undefined ? endNs : (history[firstWrong]?.timeNs ?? endNs);
  const parts: readonly (Part | undefined)[] = [
    digest.anomalies.length > 0 ? { id: "anomalies", name: "What cannot be", body: anomalies(digest) } : undefined,
    { id: "checkers", name: "Checkers", body: checkersTable(verdict.checkers) },
    bars.length > 0
      ? { id: "timeline", name: "Timeline", body: timelineParts(digest.anomalies.length > 0) }
      : undefined,
    overviewPart(digest),
    bars.length > 0
      ? {
          id: "latencies",
          name: "Latency",
          body: html`${outcomeLegend}${latencyScatter(bars, endNs, faults)}<h3>Quantiles of what was ok</h3>${quantileLegend}${latencyQuantiles(bars, windows, endNs, faults)}${quantileTable(bars)}`,
        }
      : undefined,
    bars.length > 0
      ? { id: "rates", name: "Rate", body: html`${rateLegend}${rates(windows, endNs, faults)}` }
      : undefined,
    clocks.length > 0 ? { id: "offsets", name: "Clocks", body: clockOffsets(clocks, endNs, faults) } : undefined,
    messages.length > 0 ? { id: "messages", name: "Messages", body: messageSequence(messages, untilNs) } : undefined,
    bars.length > 0
      ? { id: "counts", name: "Operations and errors", body: html`${countsTable(bars)}${errorsTable(bars)}` }
      : undefined,
  ];
  const shown = parts.filter((part) => part !== undefined);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>${verdictWord(verdict.valid)}: ${titleOf(manifest)}</title>
<link rel="icon" href="data:,">
<style>
${asset("page.css")}</style>
</head>
<body>
<a class="skip" href="#${shown[0]?.id}">To the findings</a>
<main>
<header><section class="verdict ${verdictWord(verdict.valid)}">${badge(verdict.valid)}<h1>${sentence}</h1>
${smallest && html`<p class="because">${clipped(smallest.explanation.split("\n")[0] as string, 400)}</p>`}<p class="lead">${subjectSentence(digest)}</p>${repeat(manifest)}${facts(manifest)}</section></header>
<nav class="parts" aria-label="Parts of this report">${shown.map(({ id, name }) => html`<a href="#${id}">${name}</a> `)}</nav>
${shown.map(
  ({ id, name, body }) => html`<section id="${id}" aria-labelledby="${id}-name"><h2 id="${id}-name">${name}</h2>
${body}</section>
`,
)}</main>
${
  bars.length > 0 &&
  html`<script type="application/json" id="timeline-data">${scriptJson(timelineOf(digest))}</script>
<script>
(() => {
${asset("timeline.js")}})();
</script>`
}
</body>
</html>
`.text;
}

interface Part {
  readonly id: string;
  readonly name: string;
  readonly body: Piece;
}

function verdictWord(valid: CheckerVerdict["valid"]): string {
  return valid === true ? "valid" : valid === false ? "invalid" : "unknown";
}

function titleOf({ config, seed }: Manifest): string {
  const workload = config?.workload;
  const name = typeof workload === "string" ? workload : "a history";
  return seed === undefined ? name : `${name}, seed ${seed}`;
}

/** A mark of its own shape for each, beside the word. */
const shapes = {
  valid: new Html('<circle cx="10" cy="10" r="8"/><path d="M6 10.5l3 3 5.5-6.5"/>'),
  invalid: new Html('<path d="M7 2h6l5 5v6l-5 5H7l-5-5V7z"/><path d="M7 7l6 6m0-6l-6 6"/>'),
  unknown: new Html(
    '<path d="M10 1.5l8.5 8.5-8.5 8.5L1.5 10z"/><path d="M8 8a2 2 0 1 1 2.6 2c-.5.2-.6.6-.6 1.2M10 14v.4"/>',
  ),
};

function badge(valid: CheckerVerdict["valid"]): Html {
  const word = verdictWord(valid) as keyof typeof shapes;
  return html`<div class="badge"><svg viewBox="0 0 20 20" aria-hidden="true">${shapes[word]}</svg>${word}</div>`;
}

function repeat({ command }: Manifest): Html | undefined {
  if (command === undefined) return undefined;
  return html`<div class="repeat"><pre id="command" tabindex="0" aria-label="The command that repeats this run">${command}</pre><button type="button" data-copy="command">Copy</button></div>`;
}

function facts({ seed, version, nodeVersion, config = {} }: Manifest): Html | undefined {
  const rows = Object.entries({ seed, ...config, version, "Node.js": nodeVersion }).filter(
    ([, value]) => value !== undefined,
  );
  if (rows.length === 0) return undefined;
  return html`<dl class="facts">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${clipped(valueText(value), 400)}</dd></div>`)}</dl>`;
}

function checkersTable(checkers: readonly CheckerVerdict[]): Html {
  if (checkers.length === 0) return html`<p>None looked at this history.</p>`;
  const signs = { valid: "✓", invalid: "✗", unknown: "?" } as const;
  const order = [...checkers].sort((a, b) => rank(a.valid) - rank(b.valid));
  return html`<div class="scroll" tabindex="0" role="group" aria-label="Checkers and what they say"><table><thead><tr><th scope="col">verdict</th><th scope="col">checker</th><th scope="col">what it says</th></tr></thead><tbody>
${order.map(({ valid, checker, summary, anomalies: found, figures = {} }) => {
  const word = verdictWord(valid) as keyof typeof signs;
  const told = Object.entries(figures).map(([name, value]) => `${name} ${Math.round(value * 100) / 100}`);
  return html`<tr><td class="verdict-cell"><span aria-hidden="true">${signs[word]} </span>${word}</td><th scope="row">${checker}</th><td>${clipped(summary, 600)}${found.length > 0 && html` <span class="note">${counted(found.length, "anomaly", "anomalies")}</span>`}${told.length > 0 && html`<div class="note">${told.join(", ")}</div>`}</td></tr>`;
})}</tbody></table></div>`;
}

/** What is wrong comes first. */
function rank(valid: CheckerVerdict["valid"]): number {
  return valid === false ? 0 : valid === "unknown" ? 1 : 2;
}

function overviewPart({ leaders, faults, endNs }: Digest): Part | undefined {
  const body = overview(leaders, faults, endNs);
  return body && { id: "faults", name: "Leaders and faults", body };
}

/** What page/timeline.js draws into. */
function timelineParts(withAnomalies: boolean): Html {
  const buttons = [
    ["+", "Nearer"],
    ["-", "Farther"],
    ["a", "Earlier"],
    ["d", "Later"],
    ["0", "Whole run"],
    ...(withAnomalies ? [["n", "Next of an anomaly"]] : []),
  ] as const;
  return html`<div class="tools">${buttons.map(([key, name]) => html`<button type="button" data-key="${key}" aria-keyshortcuts="${key}">${name}</button>`)}<span class="where" id="where"></span></div>
${outcomeKey}
<canvas id="overview-strip" role="img" aria-label="How many operations were invoked when, over the whole run; the frame is what the timeline shows"></canvas>
<canvas id="head" role="img" aria-label="Leaders and faults in the part that the timeline shows; the part Leaders and faults has them as text"></canvas>
<div id="lanes-box"><canvas id="lanes" tabindex="0" role="application" aria-roledescription="timeline" aria-label="Operations of each client over time" aria-describedby="timeline-keys"></canvas></div>
<p id="told" role="status">Choose an operation to see what it asked and got.</p>
<p class="note" id="timeline-keys"><kbd>←</kbd> <kbd>→</kbd> operation, <kbd>↑</kbd> <kbd>↓</kbd> client, <kbd>+</kbd> <kbd>−</kbd> nearer and farther, <kbd>a</kbd> <kbd>d</kbd> earlier and later, <kbd>0</kbd> whole run, <kbd>n</kbd> next operation of an anomaly. With a mouse: drag, Ctrl and wheel, click.</p>
<noscript><p>The timeline needs JavaScript; all else in this report does not.</p></noscript>`;
}

const outcomeKey = html`<p class="legend"><span><svg width="26" height="14" aria-hidden="true"><rect class="bar ok" x="1" y="1" width="24" height="12"/></svg>ok: happened</span><span><svg width="26" height="14" aria-hidden="true"><path class="bar info" d="M25 1H1V13H25"/></svg>info: may have happened, or may yet</span><span><svg width="26" height="14" aria-hidden="true"><rect class="bar fail" x="1" y="1" width="24" height="12"/><path class="cross" d="M1 13L13 1"/></svg>fail: did not happen</span><span><svg width="14" height="14" aria-hidden="true"><path d="M1 2H13L7 11z" fill="var(--mark)"/></svg>of an anomaly</span></p>`;
