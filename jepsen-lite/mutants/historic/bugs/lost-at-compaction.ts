import type { HistoricBug } from "../bug.ts";
import { seeded, simulationOf } from "../seeded.ts";

export const lostAtCompaction: HistoricBug = {
  name: "#19179",
  row: 10,
  versions: "3.4, 3.5",
  title: "a watch that resumes from the compacted revision misses that revision",
  story:
    "The same loss, by another way: what was read for a watcher ended before the compacted revision. A watch from the compacted revision on hears of that revision.",
  ...seeded(29),
  scenario: { ...simulationOf(29), seeds: 60 },
};
