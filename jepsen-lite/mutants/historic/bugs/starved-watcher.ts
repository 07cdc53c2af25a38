import type { HistoricBug } from "../bug.ts";
import { seeded } from "../seeded.ts";

export const starvedWatcher: HistoricBug = {
  name: "#17529",
  row: 8,
  versions: "3.4, 3.5",
  title: "a watcher on a stream that is full loses events",
  story:
    "Many watchers share a stream; while some fill it, others starve, and what they had no room for was lost. Who does not keep up waits, and is told what it missed, all of it, as soon as there is room.",
  ...seeded(33),
  scenario: {
    kind: "test",
    file: "kvstore/rpc/watch.test.ts",
    name: "a slow client is left alone, and told what it missed when it reads again",
  },
};
