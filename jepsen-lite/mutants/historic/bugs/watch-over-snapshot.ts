import type { HistoricBug } from "../bug.ts";
import { seeded, simulationOf } from "../seeded.ts";

export const watchOverSnapshot: HistoricBug = {
  name: "#15271",
  row: 6,
  versions: "3.4, 3.5",
  title: "a watch that a snapshot has overtaken begins once more",
  story:
    "A follower was cut off until it needed a snapshot. Its watchers were set back to where they had begun, and told all of it again. After a snapshot a watch goes on: no event twice, none missing.",
  ...seeded(31),
  scenario: { ...simulationOf(31), seeds: 60 },
};
