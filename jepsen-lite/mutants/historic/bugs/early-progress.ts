import type { HistoricBug } from "../bug.ts";
import { seeded } from "../seeded.ts";

export const earlyProgress: HistoricBug = {
  name: "#15220",
  row: 5,
  versions: "3.4, 3.5",
  title: "progress that a client asks for overtakes events",
  story:
    "A client that asked for progress was told the store's newest revision at once, while watchers of its stream were still catching up. What a progress message claims has been told before it.",
  ...seeded(32),
  scenario: {
    kind: "test",
    file: "kvstore/rpc/watch.test.ts",
    name: "progress is told on request, at once without watches, and not before the events it speaks of",
  },
};
