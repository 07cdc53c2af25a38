import type { HistoricBug } from "../bug.ts";
import { seeded, simulationOf } from "../seeded.ts";

export const pausedLeaderReads: HistoricBug = {
  name: "#21399",
  row: 14,
  versions: "3.4 to 3.6",
  title: "a leader that was stopped and goes on answers reads as if nothing had been",
  story:
    "Stopped (SIGSTOP) with reads outstanding, deposed meanwhile, it went on and answered them from what it had. Who stood still for longer than an election looks for its quorum before it answers anything.",
  ...seeded(12),
  scenario: { ...simulationOf(12), seeds: 60 },
};
