// The timeline of a report: clients as rows, operations as bars, faults as bands over them. It stands in the page as it is here, so it is one file and
// needs nothing but a browser. `Timeline` in timeline.ts is the shape of its data.
// @ts-check

/** @typedef {{ from: number, to: number, kind: string, label: string }} Span */
/** @typedef {{ unitNs: number, end: number, lanes: string[], lengths: number[], start: number[], took: number[], outcome: number[], f: number[], fs: string[], texts: string[],
 *   faults: Span[], leaders: Span[], anomalies: { title: string, operations: number[] }[] }} Data */

/** @template T @param {string} id @param {new () => T} type @returns {T} */
function element(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no ${id}`);
  return found;
}

/** @type {Data} */
const data = JSON.parse(element("timeline-data", HTMLScriptElement).textContent ?? "");
const strip = element("overview-strip", HTMLCanvasElement);
const head = element("head", HTMLCanvasElement);
const lanes = element("lanes", HTMLCanvasElement);
const box = element("lanes-box", HTMLDivElement);
const told = element("told", HTMLParagraphElement);
const where = element("where", HTMLSpanElement);

const outcomes = ["ok", "info", "fail"];
const [rowPx, barPx, gutterPx, headRowPx] = [20, 14, 78, 20];
const shortestView = 10;

const total = data.start.length;
const starts = new Float64Array(total);
/** Where the bar of an operation ends; of one that never did, where its client's next begins. */
const ends = new Float64Array(total);
const laneOf = new Uint32Array(total);
/** Operations of lane n are those from firstOf[n] to firstOf[n + 1]. @type {number[]} */
const firstOf = [0];
for (const [lane, length] of data.lengths.entries()) {
  const first = /** @type {number} */ (firstOf[lane]);
  let time = 0;
  for (let at = first; at < first + length; at++) {
    time += data.start[at] ?? 0; // distances from the one before
    starts[at] = time;
    laneOf[at] = lane;
  }
  for (let at = first; at < first + length; at++) {
    const took = data.took[at] ?? -1;
    const next = at + 1 < first + length ? starts[at + 1] : data.end;
    ends[at] = took < 0 ? (next ?? data.end) : (starts[at] ?? 0) + took;
  }
  firstOf.push(first + length);
}
const marked = new Set(data.anomalies.flatMap(({ operations }) => operations));
const markedInOrder = [...marked].sort((a, b) => (starts[a] ?? 0) - (starts[b] ?? 0));
const faultKinds = [...new Set(data.faults.map(({ kind }) => kind))];
/** @type {{ name: string, spans: Span[], leader: boolean }[]} */
const headRows = [
  ...(data.leaders.length > 0 ? [{ name: "leader", spans: data.leaders, leader: true }] : []),
  ...faultKinds.map((kind) => ({ name: kind, spans: data.faults.filter((one) => one.kind === kind), leader: false })),
];

const view = { from: 0, to: data.end };
/** @type {number | undefined} */
let selected;

/** Makes its bitmap as sharp as the screen. @param {HTMLCanvasElement} canvas @param {number} heightPx */
function prepared(canvas, heightPx) {
  const ratio = window.devicePixelRatio || 1;
  const widthPx = canvas.clientWidth;
  canvas.style.height = `${heightPx}px`;
  canvas.width = Math.round(widthPx * ratio);
  canvas.height = Math.round(heightPx * ratio);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const style = getComputedStyle(document.documentElement);
  context.font = `11.5px ${style.getPropertyValue("--sans")}`;
  context.textBaseline = "middle";
  return { context, widthPx };
}

/** A canvas knows no variables, and light-dark() needs an element: ask one. */
const probe = document.createElement("i");
probe.hidden = true;
document.body.append(probe);
/** @param {string} name */
function colour(name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

/** @param {number} time @param {number} widthPx */
const xOf = (time, widthPx) => gutterPx + ((time - view.from) / (view.to - view.from)) * (widthPx - gutterPx);
/** @param {number} x @param {number} widthPx */
const timeAt = (x, widthPx) => view.from + ((x - gutterPx) / (widthPx - gutterPx)) * (view.to - view.from);

/** Steps of 1, 2, 5, so that about one in a hundred pixels has a mark. @param {number} widthPx */
function marksOfTime(widthPx) {
  const least = ((view.to - view.from) * 100) / Math.max(100, widthPx - gutterPx);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = power * ([1, 2, 5, 10].find((one) => one * power >= least) ?? 10);
  const marks = [];
  for (let at = Math.ceil(view.from / step); at * step <= view.to; at++) marks.push(at * step);
  return { marks, step };
}

/** Seconds, with the digits that tell two marks apart. @param {number} time @param {number} step */
function timeText(time, step) {
  const digits = Math.ceil(9 - Math.log10(step * data.unitNs) - 1e-9);
  return `${((time * data.unitNs) / 1e9).toFixed(Math.max(0, Math.min(9, digits)))} s`;
}

/** @param {CanvasRenderingContext2D} context @param {string} text @param {number} x @param {number} y @param {number} mostPx */
function fitted(context, text, x, y, mostPx) {
  const letters = Math.floor(mostPx / 6.4);
  if (letters < 2) return;
  context.fillText(text.length <= letters ? text : `${text.slice(0, letters - 1)}…`, x, y);
}

function drawHead() {
  const heightPx = 24 + headRows.length * headRowPx;
  const { context, widthPx } = prepared(head, heightPx);
  const { marks, step } = marksOfTime(widthPx);
  context.fillStyle = colour("muted");
  context.textAlign = "center";
  for (const mark of marks)
    context.fillText(timeText(mark, step), Math.max(gutterPx + 14, Math.min(widthPx - 24, xOf(mark, widthPx))), 11);
  for (const [row, { name, spans, leader }] of headRows.entries()) {
    const y = 24 + row * headRowPx;
    context.textAlign = "right";
    context.fillStyle = colour("muted");
    fitted(context, name, gutterPx - 8, y + 8, gutterPx - 8);
    context.textAlign = "left";
    for (const span of spans) {
      if (span.to < view.from || span.from > view.to) continue;
      const from = Math.max(gutterPx, xOf(span.from, widthPx));
      const to = Math.min(widthPx, Math.max(xOf(span.to, widthPx), from + 2));
      context.fillStyle = colour(leader ? "leader" : "fault");
      if (span.kind !== "nobody") context.fillRect(from, y, to - from - 1, headRowPx - 4);
      context.fillStyle = colour("ink");
      fitted(context, span.label, from + 4, y + 8, to - from - 8);
    }
  }
}

/** The first operation of a lane that ends at or after a time. @param {number} lane @param {number} time */
function firstEndingAfter(lane, time) {
  let [low, high] = [firstOf[lane] ?? 0, firstOf[lane + 1] ?? 0];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ends[middle] ?? 0) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

function drawLanes() {
  const { context, widthPx } = prepared(lanes, data.lanes.length * rowPx + 6);
  const heightPx = data.lanes.length * rowPx + 6;
  context.fillStyle = colour("band");
  for (const { from, to } of data.faults) {
    if (to < view.from || from > view.to) continue;
    const left = Math.max(gutterPx, xOf(from, widthPx));
    context.fillRect(left, 0, Math.max(1.5, Math.min(widthPx, xOf(to, widthPx)) - left), heightPx);
  }
  context.strokeStyle = colour("faint");
  context.beginPath();
  for (const mark of marksOfTime(widthPx).marks) {
    context.moveTo(xOf(mark, widthPx), 0);
    context.lineTo(xOf(mark, widthPx), heightPx);
  }
  context.stroke();
  const colours = outcomes.map(colour);
  const [inkColour, onOk, markColour] = [colour("ink"), colour("card"), colour("mark")];
  for (const [lane, name] of data.lanes.entries()) {
    const y = 4 + lane * rowPx;
    context.textAlign = "right";
    context.fillStyle = colour("muted");
    fitted(context, name, gutterPx - 8, y + barPx / 2, gutterPx - 8);
    context.textAlign = "left";
    /** The last pixel that an outcome has filled: what lies within it needs not be drawn. */
    const filled = [-1, -1, -1];
    const after = firstOf[lane + 1] ?? 0;
    for (let at = firstEndingAfter(lane, view.from); at < after && (starts[at] ?? 0) <= view.to; at++) {
      const outcome = data.outcome[at] ?? 0;
      const from = Math.max(gutterPx, xOf(starts[at] ?? 0, widthPx));
      const to = Math.min(widthPx, Math.max(xOf(ends[at] ?? 0, widthPx), from + 1));
      if (to <= (filled[outcome] ?? -1) && !marked.has(at) && at !== selected) continue;
      filled[outcome] = Math.ceil(to);
      bar(context, at, outcome, from, to, y, colours, { inkColour, onOk, markColour });
    }
  }
}

/**
 * Ok is filled, fail is crossed out, info has an open end. What belongs to an anomaly is framed and has a mark above it.
 * @param {CanvasRenderingContext2D} context @param {number} at @param {number} outcome @param {number} from @param {number} to @param {number} y
 * @param {string[]} colours @param {{ inkColour: string, onOk: string, markColour: string }} other
 */
function bar(context, at, outcome, from, to, y, colours, { inkColour, onOk, markColour }) {
  const wide = to - from;
  const main = /** @type {string} */ (colours[outcome]);
  context.fillStyle = main;
  context.strokeStyle = main;
  context.lineWidth = 1;
  if (outcome === 0) context.fillRect(from, y, Math.max(1, wide - (wide > 4 ? 1 : 0)), barPx);
  // Too narrow for an outline: info reaches out above the row, fail below it.
  else if (wide < 4) context.fillRect(from, outcome === 1 ? y - 3 : y + barPx - 5, Math.max(1, wide), 8);
  else if (outcome === 1) {
    context.setLineDash([4, 3]);
    context.beginPath();
    context.moveTo(to, y + 0.5);
    context.lineTo(from + 0.5, y + 0.5);
    context.lineTo(from + 0.5, y + barPx - 0.5);
    context.lineTo(to, y + barPx - 0.5);
    context.stroke();
    context.setLineDash([]);
  } else {
    context.strokeRect(from + 0.5, y + 0.5, wide - 2, barPx - 1);
    context.beginPath();
    context.moveTo(from, y + barPx);
    context.lineTo(Math.min(to - 1, from + barPx), y);
    context.stroke();
  }
  if (wide > 28) {
    const inset = outcome === 2 ? barPx + 2 : 4;
    context.fillStyle = outcome === 0 ? onOk : inkColour;
    fitted(context, textOf(at), from + inset, y + barPx / 2 + 0.5, wide - inset - 4);
  }
  if (marked.has(at)) {
    context.strokeStyle = markColour;
    context.lineWidth = 2.5;
    context.strokeRect(from - 1, y - 1, Math.max(4, wide + 1), barPx + 2);
    context.fillStyle = markColour;
    context.beginPath();
    context.moveTo(from - 5, y - 4);
    context.lineTo(from + 5, y - 4);
    context.lineTo(from, y + 4);
    context.fill();
  }
  if (at === selected) {
    context.strokeStyle = colour("focus");
    context.lineWidth = 2.5;
    context.strokeRect(from - 2.5, y - 2.5, Math.max(6, wide + 4), barPx + 5);
  }
}

/** All of the run in one strip: how much was under way, where anomalies are, and what is looked at. */
function drawStrip() {
  const heightPx = 44;
  const { context, widthPx } = prepared(strip, heightPx);
  const span = widthPx - gutterPx;
  const columns = Math.max(1, Math.floor(span / 2));
  const counts = outcomes.map(() => new Uint32Array(columns));
  for (let at = 0; at < total; at++) {
    const column = Math.min(columns - 1, Math.floor(((starts[at] ?? 0) / data.end) * columns));
    const ofOutcome = /** @type {Uint32Array} */ (counts[data.outcome[at] ?? 0]);
    ofOutcome[column] = (ofOutcome[column] ?? 0) + 1;
  }
  let most = 1;
  for (let column = 0; column < columns; column++)
    most = Math.max(
      most,
      counts.reduce((sum, one) => sum + (one[column] ?? 0), 0),
    );
  context.fillStyle = colour("band");
  for (const { from, to } of data.faults)
    context.fillRect(gutterPx + (from / data.end) * span, 0, Math.max(1, ((to - from) / data.end) * span), heightPx);
  const colours = outcomes.map(colour);
  for (let column = 0; column < columns; column++) {
    let y = heightPx;
    for (const [outcome, ofOutcome] of counts.entries()) {
      const tall = ((ofOutcome[column] ?? 0) / most) * (heightPx - 8);
      if (tall === 0) continue;
      context.fillStyle = /** @type {string} */ (colours[outcome]);
      context.fillRect(gutterPx + column * 2, y - Math.max(1, tall), 2, Math.max(1, tall));
      y -= Math.max(1, tall);
    }
  }
  context.fillStyle = colour("mark");
  for (const at of markedInOrder) {
    const x = gutterPx + ((starts[at] ?? 0) / data.end) * span;
    context.beginPath();
    context.moveTo(x - 5, 0);
    context.lineTo(x + 5, 0);
    context.lineTo(x, 8);
    context.fill();
  }
  const [from, to] = [gutterPx + (view.from / data.end) * span, gutterPx + (view.to / data.end) * span];
  context.strokeStyle = colour("focus");
  context.lineWidth = 2;
  context.strokeRect(from + 1, 1, Math.max(4, to - from - 2), heightPx - 2);
  context.fillStyle = colour("muted");
  context.textAlign = "right";
  context.fillText("whole run", gutterPx - 8, heightPx / 2);
}

let asked = false;
function draw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    // A scroll bar beside the lanes takes of their width: what is above them follows.
    for (const canvas of [strip, head]) canvas.style.width = `${lanes.clientWidth + 2}px`;
    drawStrip();
    drawHead();
    drawLanes();
    where.textContent = `${timeText(view.from, (view.to - view.from) / 1000)} – ${timeText(view.to, (view.to - view.from) / 1000)}`;
  });
}

/** @param {number} from @param {number} to */
function look(from, to) {
  const width = Math.min(data.end, Math.max(shortestView, to - from));
  view.from = Math.max(0, Math.min(from, data.end - width));
  view.to = view.from + width;
  draw();
}

/** @param {number} factor below 1: nearer @param {number} [around] */
function zoom(factor, around = focusTime()) {
  const width = Math.min(data.end, Math.max(shortestView, (view.to - view.from) * factor));
  const share = (around - view.from) / (view.to - view.from);
  look(around - width * share, around + width * (1 - share));
}

/** Where the reader looks: the operation that is chosen, if it is to be seen. */
function focusTime() {
  const start = selected === undefined ? -1 : (starts[selected] ?? -1);
  return start >= view.from && start <= view.to ? start : (view.from + view.to) / 2;
}

/** @param {number} share */
function pan(share) {
  const by = (view.to - view.from) * share;
  look(view.from + by, view.to + by);
}

/** @param {number} at */
function textOf(at) {
  const text = data.texts[at] ?? "";
  return `${data.fs[data.f[at] ?? 0]} ${text}`;
}

/** @param {number} length */
function lengthText(length) {
  const ns = length * data.unitNs;
  if (ns < 1000) return `${ns} ns`;
  return ns < 1e6 ? `${ns / 1e3} µs` : ns < 1e9 ? `${(ns / 1e6).toFixed(1)} ms` : `${(ns / 1e9).toFixed(2)} s`;
}

/** @param {number} at */
function describe(at) {
  const took = data.took[at] ?? -1;
  const anomalies = data.anomalies.filter(({ operations }) => operations.includes(at)).map(({ title }) => title);
  return [
    `${data.lanes[laneOf[at] ?? 0]} · ${textOf(at)} · ${outcomes[data.outcome[at] ?? 0]}`,
    ` · from ${timeText(starts[at] ?? 0, 1)}`,
    took < 0 ? ", never answered" : `, ${lengthText(took)}`,
    anomalies.length > 0 ? ` · part of: ${anomalies.join("; ")}` : "",
  ].join("");
}

/** @param {number} at @param {boolean} [bring] into view */
function select(at, bring = true) {
  selected = at;
  told.textContent = describe(at);
  const start = starts[at] ?? 0;
  if (bring && (start < view.from || start > view.to)) {
    const half = (view.to - view.from) / 2;
    look(start - half, start + half);
  }
  const y = (laneOf[at] ?? 0) * rowPx;
  if (bring && (y < box.scrollTop || y > box.scrollTop + box.clientHeight - rowPx))
    box.scrollTop = y - box.clientHeight / 2;
  draw();
}

/** @param {number} by operations of the same client, or of the anomalies */
function step(by) {
  if (total === 0) return;
  const at = selected ?? firstEndingAfter(0, view.from);
  const lane = laneOf[at] ?? 0;
  select(Math.max(firstOf[lane] ?? 0, Math.min((firstOf[lane + 1] ?? 1) - 1, selected === undefined ? at : at + by)));
}

/** @param {number} by lanes, keeping the time */
function changeLane(by) {
  if (total === 0) return;
  const time = selected === undefined ? view.from : (starts[selected] ?? 0);
  const from = selected === undefined ? -by : (laneOf[selected] ?? 0);
  const lane = Math.max(0, Math.min(data.lanes.length - 1, from + by));
  select(Math.min((firstOf[lane + 1] ?? 1) - 1, firstEndingAfter(lane, time)));
}

let nextMarked = 0;
/** Shows the operations of an anomaly, with some of what was around them. @param {number} anomaly */
function showAnomaly(anomaly) {
  const operations = data.anomalies[anomaly]?.operations ?? [];
  if (operations.length === 0) return;
  const from = Math.min(...operations.map((at) => starts[at] ?? 0));
  const to = Math.max(...operations.map((at) => ends[at] ?? 0));
  const margin = Math.max(50, (to - from) * 0.15);
  look(from - margin, to + margin);
  select(/** @type {number} */ (operations[0]));
  element("timeline", HTMLElement).scrollIntoView({ block: "start" });
  lanes.focus({ preventScroll: true });
}

/** @type {Record<string, () => void>} */
const keys = {
  "+": () => zoom(0.5),
  "=": () => zoom(0.5),
  "-": () => zoom(2),
  0: () => look(0, data.end),
  Home: () => look(0, view.to - view.from),
  End: () => look(data.end - (view.to - view.from), data.end),
  a: () => pan(-0.3),
  d: () => pan(0.3),
  ArrowLeft: () => step(-1),
  ArrowRight: () => step(1),
  ArrowUp: () => changeLane(-1),
  ArrowDown: () => changeLane(1),
  n: () => {
    const at = markedInOrder[nextMarked++ % Math.max(1, markedInOrder.length)];
    if (at !== undefined) select(at);
  },
};
lanes.addEventListener("keydown", (event) => {
  const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
  if (act === undefined) return;
  event.preventDefault();
  act();
});

/** The operation at a place of the picture. @param {MouseEvent} event */
function under(event) {
  const bounds = lanes.getBoundingClientRect();
  const lane = Math.floor((event.clientY - bounds.top - 2) / rowPx);
  const x = event.clientX - bounds.left;
  if (lane < 0 || lane >= data.lanes.length || x < gutterPx) return undefined;
  const slack = timeAt(gutterPx + 3, bounds.width) - view.from;
  const at = firstEndingAfter(lane, timeAt(x, bounds.width) - slack);
  return at < (firstOf[lane + 1] ?? 0) && (starts[at] ?? 0) <= timeAt(x, bounds.width) + slack ? at : undefined;
}

/** @type {{ x: number, from: number, to: number, moved: boolean } | undefined} */
let drag;
lanes.addEventListener("pointerdown", (event) => {
  drag = { x: event.clientX, ...view, moved: false };
  lanes.setPointerCapture(event.pointerId);
});
lanes.addEventListener("pointermove", (event) => {
  if (drag === undefined) {
    const at = under(event);
    lanes.style.cursor = at === undefined ? "grab" : "pointer";
    lanes.title = at === undefined ? "" : describe(at);
    return;
  }
  const by = ((drag.x - event.clientX) / (lanes.clientWidth - gutterPx)) * (drag.to - drag.from);
  drag.moved ||= Math.abs(drag.x - event.clientX) > 3;
  if (drag.moved) look(drag.from + by, drag.to + by);
});
lanes.addEventListener("pointerup", (event) => {
  const at = drag?.moved ? undefined : under(event);
  drag = undefined;
  if (at !== undefined) select(at, false);
});
lanes.addEventListener("pointercancel", () => {
  drag = undefined;
});
// With a key held: without one, the wheel is for the page.
lanes.addEventListener(
  "wheel",
  (event) => {
    if (event.shiftKey) pan((event.deltaY || event.deltaX) > 0 ? 0.15 : -0.15);
    else if (event.ctrlKey || event.metaKey)
      zoom(
        event.deltaY > 0 ? 1.25 : 0.8,
        timeAt(event.clientX - lanes.getBoundingClientRect().left, lanes.clientWidth),
      );
    else return;
    event.preventDefault();
  },
  { passive: false },
);

/** @param {PointerEvent} event */
function lookAtStrip(event) {
  const bounds = strip.getBoundingClientRect();
  const time = ((event.clientX - bounds.left - gutterPx) / (bounds.width - gutterPx)) * data.end;
  const half = (view.to - view.from) / 2;
  look(time - half, time + half);
}
strip.addEventListener("pointerdown", lookAtStrip);
strip.addEventListener("pointermove", (event) => event.buttons === 1 && lookAtStrip(event));

for (const button of document.querySelectorAll("button[data-key]"))
  button.addEventListener("click", () => keys[/** @type {HTMLElement} */ (button).dataset.key ?? ""]?.());
for (const button of document.querySelectorAll("button[data-anomaly]"))
  button.addEventListener("click", () => showAnomaly(Number(/** @type {HTMLElement} */ (button).dataset.anomaly)));
for (const button of document.querySelectorAll("button[data-copy]"))
  button.addEventListener("click", async () => {
    const text = element(/** @type {HTMLElement} */ (button).dataset.copy ?? "", HTMLElement).textContent ?? "";
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Not permitted here"; // some browsers refuse files
    }
  });

window.addEventListener("resize", draw);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
draw();
