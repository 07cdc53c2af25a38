import type { HistoricBug } from "../bug.ts";

export const duplicateEvents: HistoricBug = {
  name: "#17247",
  row: 7,
  versions: "main, January 2024",
  title: "events that are in memory and on the disk are told twice",
  story:
    "The events of a transaction were found in the buffer of what is being written, and once more in the database. A revision that is in both places is told once.",
  patches: [
    {
      file: "kvstore/mvcc/watch/catch-up.ts",
      find: "for await (const run of history.read(from, recentFrom, eventsPerRound)) {",
      replace: "for await (const run of history.read(from, recentFrom + 1, eventsPerRound)) {",
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/mvcc/watch/hub.test.ts",
    name: "every watcher hears exactly of what the log holds from its start on, in order, once, until it is compacted away",
  },
};
