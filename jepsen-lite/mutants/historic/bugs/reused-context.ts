import type { HistoricBug } from "../bug.ts";

export const reusedContext: HistoricBug = {
  name: "#21375",
  row: 14,
  versions: "3.4 to 3.6",
  title: "a read that is asked for again takes the answer to the first question",
  story:
    "The fix on the asking side: what is asked again is asked under a new context, so that an answer of a former leader to the old question finds nobody. The asker compares.",
  patches: [
    {
      file: "kvstore/server/reads.ts",
      find: "if (round === undefined || !equalBytes(round.context, context)) return;",
      replace: "if (round === undefined || context.length === 0) return;",
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/server/server.test.ts",
    name: "a late answer to a question that was asked again confirms nothing",
  },
};
