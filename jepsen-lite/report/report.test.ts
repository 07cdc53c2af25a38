import { describe, expect, it } from "vitest";
import type { HistoryEvent } from "../history/mod.ts";
import { reportOf } from "./mod.ts";
import type { Run } from "./run.ts";
import { sampleRun, withAnomalies } from "./sample.testing.ts";

const small = sampleRun({ seed: 7, operations: 300 });
const empty: Run = { history: [], manifest: {}, verdict: { valid: "unknown", checkers: [] } };

/** The page without its script's source and style, which quote markup themselves. */
function markupOf(page: string): string {
  return page.replace(/<style>[\s\S]*?<\/style>/, "").replace(/<script>\n[\s\S]*?<\/script>/, "");
}

function timelineIn(page: string) {
  const text = /<script type="application\/json" id="timeline-data">(.*?)<\/script>/s.exec(page)?.[1];
  return JSON.parse(text ?? "null") as {
    lanes: string[];
    lengths: number[];
    texts: string[];
    outcome: number[];
    took: number[];
    anomalies: { title: string; operations: number[] }[];
  };
}

/** Elements are closed in the order in which they were opened. Throws at the first that is not. */
function expectWellFormed(page: string): void {
  const empties = new Set(["meta", "link"]);
  const open: string[] = [];
  const withoutData = markupOf(page).replace(/<script[^>]*>[\s\S]*?<\/script>/g, "");
  for (const [tag, closing, name, selfClosing] of withoutData.matchAll(
    /<(\/?)([a-zA-Z][\w-]*)(?:"[^"]*"|[^">])*?(\/?)>/g,
  )) {
    if (closing === "/") expect(open.pop(), `${tag} at the end of ${open.join(" ")}`).toBe(name);
    else if (selfClosing !== "/" && !empties.has(name as string)) open.push(name as string);
  }
  expect(open).toEqual([]);
}

describe("a report", () => {
  it("says the verdict first, in a sentence, then what it is about and how to repeat it", () => {
    const page = reportOf(small);
    const [heading, lead, command] = [
      "<h1>Valid: 2 checkers looked at this history",
      "300 operations of 6 clients in",
      "flotilla sim --seed 7",
    ];
    expect(page.indexOf(heading)).toBeGreaterThan(0);
    expect(page.indexOf(lead)).toBeGreaterThan(page.indexOf(heading));
    expect(page).toContain("under 3 faults (partition, kill and clock)");
    expect(page.lastIndexOf(command)).toBeGreaterThan(page.indexOf(lead));
    expect(page).toContain("<title>valid: register, seed 7</title>");
  });

  it("is one file: it refers to nothing outside itself, and its policy would let nothing in", () => {
    const page = reportOf(withAnomalies(small));
    expect(page).not.toMatch(/https?:|\/\/[a-z]+\.|@import|<(link|script|img)[^>]*(src|href)="(?!data:)/i);
    expect(page).not.toMatch(/url\((?!#)/);
    expect(page).toContain("default-src 'none'");
    expectWellFormed(page);
  });

  it("tells the smallest anomaly first, with its operations in a table, in the timeline, and its cycle as a picture with words", () => {
    const page = reportOf(withAnomalies(small));
    expect(page).toContain(
      "<h1>Invalid: list-append and stale-reads found what cannot be; the smallest: stale-read.</h1>",
    );
    expect(page.indexOf("The smallest: stale-read")).toBeLessThan(page.indexOf("G-single <span"));
    expect(page).toContain("the second read what the first wrote to k3");
    expect(page).toMatch(/<desc id="cycle1-desc">(\d+) is before \d+ \(wr\).*\d+ is before \1 \(rw\)/);
    const { anomalies, outcome } = timelineIn(page);
    expect(anomalies.map(({ title, operations }) => [title, operations.length])).toEqual([
      ["stale-read (stale-reads)", 2],
      ["G-single (list-append)", 3],
    ]);
    for (const { operations } of anomalies) for (const at of operations) expect(outcome[at]).toBeDefined();
  });

  it("puts what is wrong before what is not in the table of checkers, each with a word and a sign", () => {
    const page = reportOf(withAnomalies(small));
    const table = page.slice(page.indexOf('id="checkers"'), page.indexOf('id="timeline"'));
    const words = [...table.matchAll(/aria-hidden="true">(.) <\/span>(\w+)/g)].map(
      ([, sign, word]) => `${sign} ${word}`,
    );
    expect(words).toEqual(["✗ invalid", "✗ invalid", "? unknown", "✓ valid", "✓ valid"]);
  });

  it("escapes whatever a history, a manifest or a checker holds", () => {
    const hostile = `</script><script>alert(1)</script><!-- "'&\u0000`;
    const event = (index: number, type: HistoryEvent["type"], more: object = {}): HistoryEvent => ({
      ...{ index, timeNs: index * 1000, process: 0, type, f: hostile, value: { [hostile]: hostile } },
      ...more,
    });
    const page = reportOf({
      history: [
        event(0, "invoke"),
        event(1, "fail", { error: { class: hostile, text: hostile } }),
        event(2, "info", { process: "nemesis" }),
      ],
      manifest: {
        command: hostile,
        seed: hostile,
        version: hostile,
        config: { workload: hostile, [hostile]: [hostile] },
      },
      verdict: {
        valid: false,
        checkers: [
          {
            valid: false,
            checker: hostile,
            summary: hostile,
            anomalies: [
              {
                kind: hostile,
                explanation: hostile,
                operations: [0, 99],
                cycle: [{ from: 0, to: 99, kind: hostile, because: hostile }],
              },
            ],
          },
        ],
      },
      leaders: [{ timeNs: 0, leader: hostile }],
      clocks: [{ timeNs: 0, node: hostile, offsetMs: 1 }],
      messages: [{ sentNs: 0, from: hostile, to: "b", type: hostile, text: hostile }],
    });
    expect(page.match(/<script/g)).toHaveLength(2);
    expect(page.match(/<\/script>/g)).toHaveLength(2);
    expect(page).not.toContain("alert(1)<");
    expect(page).not.toContain("<!--");
    expect(page).not.toContain("\u0000");
    expect(timelineIn(page).texts[0]).toContain("</script>");
    expectWellFormed(page);
  });

  it("of an empty history says that nothing was tested, and is a page all the same", () => {
    const page = reportOf(empty);
    expect(page).toContain("<h1>Unknown: no operation is in this history, so nothing was tested.</h1>");
    expect(page).not.toContain("<canvas");
    expectWellFormed(page);
  });

  it("of 100,000 operations stays below five megabytes, with all of them in the timeline", () => {
    const page = reportOf(withAnomalies(sampleRun({ seed: 3, operations: 100_000, clients: 50 })));
    expect(Buffer.byteLength(page)).toBeLessThan(5e6);
    expect(timelineIn(page).took).toHaveLength(100_000);
    expect(page).toContain("100,000 operations of 50 clients");
  });

  it("with values too large for a page keeps those of the anomalies", () => {
    const value = "x".repeat(400);
    const history = Array.from(
      { length: 60_000 },
      (_, index): HistoryEvent => ({
        ...{ index, timeNs: index * 1000, process: 0, f: "write", value },
        type: index % 2 === 0 ? "invoke" : "ok",
      }),
    );
    const anomaly = { kind: "odd", explanation: "odd", operations: [4_000] };
    const page = reportOf({
      history,
      manifest: {},
      verdict: { valid: false, checkers: [{ valid: false, checker: "c", summary: "s", anomalies: [anomaly] }] },
    });
    expect(Buffer.byteLength(page)).toBeLessThan(5e6);
    const { texts } = timelineIn(page);
    expect(texts[2_000]).toHaveLength(120);
    expect((texts[2_001] as string).length).toBeLessThan(120);
  });

  it("names every picture and every part that scrolls for who does not see them", () => {
    const page = markupOf(reportOf(withAnomalies(small)));
    for (const [tag] of page.matchAll(/<svg[^>]*>/g))
      expect(tag).toMatch(/aria-hidden="true"|role="img" aria-labelledby="/);
    for (const [tag] of page.matchAll(/<canvas[^>]*>/g)) expect(tag).toMatch(/aria-label="\w/);
    for (const [tag] of page.matchAll(/<div class="scroll[^>]*>/g))
      expect(tag).toMatch(/tabindex="0" role="group" aria-label="\w/);
    const ids = new Set([...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    expect(ids.size).toBe([...page.matchAll(/ id="([^"]+)"/g)].length);
    for (const [, names] of page.matchAll(/aria-(?:labelledby|describedby)="([^"]+)"/g))
      for (const name of (names as string).split(" ")) expect(ids).toContain(name);
  });
});
