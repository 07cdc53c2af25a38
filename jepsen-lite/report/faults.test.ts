import { describe, expect, it } from "vitest";
import type { HistoryEvent, Json } from "../history/mod.ts";
import { faultsOf } from "./faults.ts";

const event = (f: string, timeNs: number, type: HistoryEvent["type"], value: Json = null): HistoryEvent => ({
  ...{ index: 0, timeNs, process: "nemesis", type, f, value },
});

/** In the order of their beginnings, in a run of 100 ns. */
function faults(...events: readonly HistoryEvent[]): string[] {
  return faultsOf(events, 100).map(({ kind, fromNs, toNs }) => `${kind} ${fromNs}-${toNs}`);
}

/** When it was asked for, and when it was done. */
function done(f: string, from: number, to: number): HistoryEvent[] {
  return [event(f, from, "invoke"), event(f, to, "info")];
}

describe("what the nemesis did, as spans", () => {
  it("lasts from when it was asked for until its end was done", () => {
    expect(faults(...done("start-partition", 10, 12), ...done("stop-partition", 30, 33))).toEqual(["partition 10-33"]);
    expect(faults(...done("partition", 10, 12), ...done("heal", 30, 33))).toEqual(["partition 10-33"]);
    const two = [
      ...done("kill", 10, 12),
      ...done("pause", 15, 16),
      ...done("start", 30, 33),
      ...done("resume", 40, 41),
    ];
    expect(faults(...two)).toEqual(["kill 10-33", "pause 15-41"]);
  });

  it("lasts until the end of the run if nobody ends it, and until it is done again", () => {
    expect(faults(...done("start-loss", 10, 12))).toEqual(["loss 10-100"]);
    expect(faults(...done("pause", 10, 12), ...done("pause", 20, 22), ...done("resume", 30, 31))).toEqual([
      "pause 10-20",
      "pause 20-31",
    ]);
  });

  it("is as long as it took if it is of a kind that is never ended", () => {
    expect(faults(...done("compact", 10, 14), ...done("kill", 20, 21))).toEqual(["compact 10-14", "kill 20-21"]);
  });

  it("may be told in one event each, with what was healed and for how long it lasts", () => {
    const cut = event("client-cut", 10, "info", { links: ["0>1"] });
    const heal = event("heal", 40, "info", { what: "client-cut" });
    const pause = (timeNs: number) => event("pause", timeNs, "info", { target: "m1", us: 0.005 });
    expect(faults(cut, pause(20), pause(30), heal)).toEqual(["client-cut 10-40", "pause 20-25", "pause 30-35"]);
  });
});
