import type { HistoricBug } from "../bug.ts";

export const joinedAndRestarted: HistoricBug = {
  name: "#16687",
  row: 19,
  versions: "see the issue",
  title: "a member that was just added and restarts knows nobody",
  story:
    "Added and restarted before the entry that adds it had come, a member did not know who the others were, and what depends on that entry went wrong. Who joins knows from the others whom to answer until the log has told it, however often it starts.",
  patches: [
    {
      file: "kvstore/server/bootstrap.ts",
      find: "if (replay === undefined || knowsItself || replay.entries.some((entry) => addsOrRemoves(entry, id))) return origin;",
      replace: "if (replay !== undefined || knowsItself) return origin;",
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/server/bootstrap.test.ts",
    name: "before it heard of itself asks again whom to answer",
  },
};
