import { describe, expect, it } from "vitest";
import type { HistoryEvent, Json } from "../history/mod.ts";
import { barsOf, barText } from "./bars.ts";

const event = (timeNs: number, process: number, type: HistoryEvent["type"], value: Json = null, f = "read") => ({
  ...{ index: timeNs, timeNs, process, type, f, value },
});

describe("operations as they are drawn", () => {
  it("end when their client gave up, and not at all when they were never answered", () => {
    const bars = barsOf([event(0, 0, "invoke"), event(1, 1, "invoke"), event(2, 0, "info")]);
    expect(bars.map(({ process, outcome, endNs }) => [process, outcome, endNs])).toEqual([
      [0, "info", 2],
      [1, "info", undefined],
    ]);
  });

  it("are there even if the history cannot be: two things at once, an answer to nothing", () => {
    const bars = barsOf([event(0, 0, "invoke"), event(1, 0, "invoke"), event(2, 0, "ok"), event(3, 0, "fail")]);
    expect(bars.map(({ startNs, endNs, outcome }) => [startNs, endNs, outcome])).toEqual([
      [0, undefined, "info"],
      [1, 2, "ok"],
      [3, 3, "fail"],
    ]);
  });
});

describe("what an operation asked and got", () => {
  const text = (input: Json, output: Json, outcome: "ok" | "fail" = "ok") =>
    barText({ f: "op", input, output, outcome });

  it("says nothing twice, and leaves out nothing that was got", () => {
    expect(text({ key: "x" }, { key: "x", value: null })).toBe("op {key x} → {value nil}");
    expect(text({ key: "x", value: 1 }, { key: "x", value: 1 })).toBe("op {key x, value 1}");
    expect(text([["r", "x", null]], [["r", "x", [1, 2]]])).toBe("op [[r x [1 2]]]");
    expect(text(null, 7)).toBe("op 7");
    expect(text({ key: "two words" }, null, "fail")).toBe('op {key "two words"}');
  });
});
