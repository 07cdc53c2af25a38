import type { HistoricBug } from "../bug.ts";

export const progressBeforeStart: HistoricBug = {
  name: "#20221",
  row: 13,
  versions: "3.4 to 3.6",
  title: "a watch from a revision to come is told of progress before it",
  story:
    "A client that had seen more elsewhere watched a member that lagged behind, from a revision it did not have yet, and was told of progress below that; its resumption began there, and brought old events. Nothing below the first revision that was asked for.",
  patches: [
    {
      file: "kvstore/mvcc/watch/hub.ts",
      find: 'if (state.kind !== "synced" || startRevision > revision) return undefined;',
      replace: 'if (state.kind !== "synced" || startRevision < 0) return undefined;',
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/rpc/watch.test.ts",
    name: "progress is told now and then to watches that want it and have heard nothing lately",
  },
};
