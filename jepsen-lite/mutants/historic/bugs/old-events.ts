import type { HistoricBug } from "../bug.ts";
import { seeded, simulationOf } from "../seeded.ts";

export const oldEvents: HistoricBug = {
  name: "#20221, events",
  row: 13,
  versions: "3.4 to 3.6",
  title: "a watch from a revision to come hears of earlier ones",
  story:
    "The other half of it: on the member that lagged behind, a watch from a revision to come was told of what happened before. Such a watch waits for its revision, over a snapshot too.",
  ...seeded(34),
  scenario: { ...simulationOf(34), seeds: 60 },
};
