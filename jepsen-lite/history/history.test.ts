import { describe, expect, it } from "vitest";
import { Failure } from "../../base/mod.ts";
import { formatHistory, HistoryReader, operationsOf, parseHistory, Recorder } from "./mod.ts";

function aRun() {
  let now = 0;
  const recorder = new Recorder({ nowNs: () => (now += 10), clients: 2 });
  const write = recorder.invoke(0, "write", { key: "a", value: 1 });
  const read = recorder.invoke(1, "read", { key: "a" });
  recorder.nemesis("info", "partition", { affected: 1 });
  read("ok", { key: "a", value: null });
  write("info", undefined, { class: "unavailable", text: "connection reset" });
  const again = recorder.invoke(0, "write", { key: "a", value: 2 });
  again("ok");
  recorder.invoke(1, "read", { key: "a" });
  return recorder.events;
}

function failureOf(text: string): Failure {
  try {
    parseHistory(text);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("the history was accepted");
}

describe("a history on disk", () => {
  it("is read as it was written, wherever it is cut into pieces", () => {
    const events = aRun();
    const text = formatHistory(events);
    expect(parseHistory(text)).toEqual({ events });
    for (let size = 1; size < 40; size += 3) {
      const reader = new HistoryReader();
      for (let at = 0; at < text.length; at += size) reader.push(text.slice(at, at + size));
      expect(reader.finish().events).toEqual(events);
    }
  });

  it("whose last line was torn keeps what is before it, and says which line", () => {
    const events = aRun();
    const text = formatHistory(events).slice(0, -20);
    const parsed = parseHistory(text);
    expect(parsed.events).toEqual(events.slice(0, -1));
    expect(parsed.torn?.message).toContain(`line ${events.length} `);
  });

  it("with a wrong line is refused with the line's number", () => {
    const lines = formatHistory(aRun()).split("\n");
    const withLine = (at: number, line: string) => [...lines.slice(0, at), line, ...lines.slice(at + 1)].join("\n");
    expect(failureOf(withLine(2, "{nonsense")).message).toMatch(/^line 3 of the history is no JSON/);
    expect(failureOf(withLine(1, lines[0] as string)).message).toMatch(/^line 2 .* index 0 where 1 comes next/);
    expect(failureOf(withLine(3, (lines[3] as string).replace('"ok"', '"done"'))).message).toMatch(/^line 4 .*done/);
    expect(failureOf(withLine(3, (lines[3] as string).replace(/"timeNs":\d+/, '"timeNs":1'))).message).toMatch(
      /earlier/,
    );
    expect(failureOf(withLine(0, "[]")).message).toMatch(/^line 1 .*no event/);
  });
});

describe("pairing", () => {
  it("gives each invocation its completion; what never completed is info", () => {
    const operations = operationsOf(aRun());
    expect(operations.map(({ f, process, outcome }) => [f, process, outcome])).toEqual([
      ["write", 0, "info"],
      ["read", 1, "ok"],
      ["write", 2, "ok"],
      ["read", 1, "info"],
    ]);
    expect(operations[0]?.returned).toBe(Infinity);
    expect(operations[1]).toMatchObject({ index: 1, returned: 3, invokedNs: 20, returnedNs: 40 });
  });

  it("refuses a process that is at two things, completes what it did not begin, or acts after its retirement", () => {
    const base = { timeNs: 0, f: "read", value: null, process: 0 } as const;
    const two = [
      { ...base, index: 0, type: "invoke" },
      { ...base, index: 1, type: "invoke" },
    ] as const;
    expect(() => operationsOf(two)).toThrow(/event 1 .*has not ended/);
    expect(() => operationsOf([{ ...base, index: 0, type: "ok" }])).toThrow(/did not begin/);
    const risen = [two[0], { ...base, index: 1, type: "info" }, { ...base, index: 2, type: "invoke" }] as const;
    expect(() => operationsOf(risen)).toThrow(/event 2 .*info/);
  });
});

describe("the recorder", () => {
  it("never lets time go back, nor a client be at two things", () => {
    const times = [5, 3, 9];
    const recorder = new Recorder({ nowNs: () => times.shift() as number, clients: 1 });
    const done = recorder.invoke(0, "read", null);
    expect(() => recorder.invoke(0, "read", null)).toThrow(/one thing at a time/);
    done("ok", 1);
    expect(() => done("ok", 1)).toThrow(/once/);
    expect(recorder.events.map((event) => event.timeNs)).toEqual([5, 5]);
  });
});
