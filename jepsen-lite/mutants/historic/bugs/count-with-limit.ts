import type { HistoricBug } from "../bug.ts";

export const countWithLimit: HistoricBug = {
  name: "#11990",
  row: 24,
  versions: "main, 2020",
  title: "counting stops where the limit does",
  story:
    "To spare the work, counting ended with the last key that was returned: lists in pages lost their `more` and their `count`. Both are exact, whatever the limit.",
  patches: [
    {
      file: "kvstore/mvcc/store.ts",
      find: "const complete = !countOnly && (limit === 0 || records.length < limit);",
      replace: "const complete = !countOnly && (limit === 0 || records.length <= limit);",
    },
  ],
  scenario: { kind: "test", file: "kvstore/mvcc/store.test.ts", name: "counts and limits any range" },
};
