import type { HistoricBug } from "../bug.ts";

export const membersLeftBehind: HistoricBug = {
  name: "#19557, upgrade",
  row: 20,
  versions: "3.5.1 to 3.5.19, met by 3.6",
  title: "who takes over a data directory takes voters for learners",
  story:
    "The other side of it: a version that looks for the members elsewhere than the one before wrote them finds others than there were. A data directory of etcd's that is taken over has the members it had, and each is what it was.",
  patches: [
    {
      file: "kvstore/offline/import.ts",
      find: "const confState = { voters: ids(false), learners: ids(true),",
      replace: "const confState = { voters: [], learners: [...ids(false), ...ids(true)],",
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/offline/offline.test.ts",
    name: "keeps its members, and what each of them is",
  },
};
