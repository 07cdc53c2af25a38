import { describe, expect, it } from "vitest";
import type { Bar } from "./bars.ts";
import { lanesOf } from "./lanes.ts";

const bar = (process: number, startNs: number, endNs: number, outcome: Bar["outcome"] = "ok"): Bar => ({
  ...{ index: startNs, process, f: "read", input: null, output: null, outcome, error: undefined, startNs, endNs },
});
const processes = (lanes: readonly (readonly Bar[])[]) => lanes.map((lane) => lane.map(({ process }) => process));

describe("clients of a history", () => {
  it("keep their row when a process is retired, by the number of clients", () => {
    const bars = [bar(0, 0, 5, "info"), bar(1, 1, 4, "info"), bar(3, 6, 7), bar(2, 7, 8)];
    expect(processes(lanesOf(bars, 2))).toEqual([
      [0, 2],
      [1, 3],
    ]);
  });

  it("are found without that number, by who was retired first", () => {
    const bars = [bar(0, 0, 5, "info"), bar(1, 1, 4, "info"), bar(7, 6, 7), bar(9, 7, 8)];
    expect(processes(lanesOf(bars))).toEqual([
      [0, 9],
      [1, 7],
    ]);
  });

  it("never do two things at once, even if the number of clients is wrong", () => {
    const bars = [bar(0, 0, 9), bar(1, 1, 3)];
    expect(processes(lanesOf(bars, 1))).toEqual([[0], [1]]);
  });
});
