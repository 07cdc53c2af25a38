import { describe, expect, it } from "vitest";
import type { HistoryEvent } from "../history/mod.ts";
import { faultsOf } from "./faults.ts";

/** Each a pair of events of the nemesis: what, when it was asked for, when it was done. */
function faults(...pairs: readonly (readonly [f: string, from: number, to: number])[]) {
  const events = pairs.flatMap(([f, from, to]): HistoryEvent[] => [
    { index: 0, timeNs: from, process: "nemesis", type: "invoke", f, value: null },
    { index: 0, timeNs: to, process: "nemesis", type: "info", f, value: null },
  ]);
  return faultsOf(events, 100).map(({ kind, fromNs, toNs }) => `${kind} ${fromNs}-${toNs}`);
}

describe("what the nemesis did, as spans", () => {
  it("lasts from when it was asked for until its end was done", () => {
    expect(faults(["start-partition", 10, 12], ["stop-partition", 30, 33])).toEqual(["partition 10-33"]);
    expect(faults(["partition", 10, 12], ["heal", 30, 33])).toEqual(["partition 10-33"]);
    expect(faults(["kill", 10, 12], ["pause", 15, 16], ["start", 30, 33], ["resume", 40, 41])).toEqual([
      "kill 10-33",
      "pause 15-41",
    ]);
  });

  it("lasts until the end of the run if nobody ends it, and until it is done again", () => {
    expect(faults(["kill", 10, 12])).toEqual(["kill 10-100"]);
    expect(faults(["pause", 10, 12], ["pause", 20, 22], ["resume", 30, 31])).toEqual(["pause 10-20", "pause 20-31"]);
  });

  it("is as long as it took if it is of the kind that does not last", () => {
    expect(faults(["compact", 10, 14], ["heal", 20, 21])).toEqual(["compact 10-14", "heal 20-21"]);
  });
});
