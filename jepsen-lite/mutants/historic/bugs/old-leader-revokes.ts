import type { HistoricBug } from "../bug.ts";
import { seeded, simulationOf } from "../seeded.ts";

export const oldLeaderRevokes: HistoricBug = {
  name: "#12528",
  row: 15,
  versions: "3.4, 3.5",
  title: "who led once goes on ending leases",
  story:
    "The old leader went on counting, and when leases ran out by its clock it had them revoked, by way of the new leader, with whom their owners had renewed them. What only a leader decides is said as the leader of its term, and never passed on.",
  ...seeded(37),
  scenario: { ...simulationOf(37), seeds: 60 },
};
