import type { HistoricBug } from "../bug.ts";

export const lostAtCompaction: HistoricBug = {
  name: "#19179",
  row: 10,
  versions: "3.4, 3.5",
  title: "a watch that resumes from the compacted revision misses that revision",
  story:
    "The same loss, by another way: what was read for a watcher began behind the compacted revision, though the deletion was still there. A watch from the compacted revision on hears of that revision.",
  patches: [
    {
      file: "kvstore/mvcc/watch/hub.ts",
      find: "const read = await this.#read(store, from);",
      replace: "const read = await this.#read(store, Math.max(from, store.compactRevision + 1));",
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/mvcc/watch/hub.test.ts",
    name: "starts at the compacted revision itself, where a deletion still counts, and not before",
  },
};
