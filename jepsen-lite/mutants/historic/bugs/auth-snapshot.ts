import type { HistoricBug } from "../bug.ts";

export const authSnapshot: HistoricBug = {
  name: "#14571",
  row: 4,
  versions: "3.5.5",
  title: "a member keeps its old users and roles when a snapshot replaces its state",
  story:
    "A new member took over the leader's snapshot and went on with the rights it had known before, none at all: it refused what the others accepted, in the log too, and its keys parted from theirs. Users, roles and their revision come with the state.",
  patches: [
    { file: "kvstore/server/current-state.ts", find: "    auth.restore(state.backend, authRecords);\n", replace: "" },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/server/current-state.test.ts",
    name: "decides from then on as who made it would",
  },
};
