import type { HistoricBug } from "../bug.ts";
import { blindedFor, seeded } from "../seeded.ts";

export const singleMemberSync: HistoricBug = {
  name: "#14370",
  row: 2,
  versions: "up to 3.4.20 and 3.5.4",
  title: "a cluster of one acknowledges before its log is synced",
  story:
    "A quorum of one is reached the moment its only member appends. It applied and answered while the log was still on its way to the disk; a crash then took back what clients had been promised. An answer waits for the member's own disk, alone or not.",
  ...seeded(1),
  scenario: {
    kind: "simulation",
    seconds: 20,
    seeds: 30,
    forced: {
      members: 1,
      workload: "store",
      clients: 6,
      thinkMeanUs: 20_000,
      faults: { kill: 1, "power-loss": 2 },
      disk: { writeMeanUs: 10_000, tornPercent: 0 },
      faultMeanUs: 1_000_000,
      ending: "whole",
    },
    caughtBy: ["durability", "linearizable store", "reads by replay", "watches"],
    blinded: blindedFor(1),
  },
};
