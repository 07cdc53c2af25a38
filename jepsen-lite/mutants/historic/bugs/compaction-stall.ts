import type { HistoricBug } from "../bug.ts";

export const compactionStall: HistoricBug = {
  name: "#19406",
  row: 25,
  versions: "3.5",
  title: "everything waits while a compaction runs",
  story:
    "With every compaction, each few minutes, requests took up to five seconds. The work of a compaction is cut into slices, and what clients ask for goes in between.",
  patches: [
    { file: "kvstore/mvcc/compactor.ts", find: "const sliceKeys = 2000;", replace: "const sliceKeys = 1e9;" },
    { file: "kvstore/mvcc/compactor.ts", find: "const sliceDrops = 1000;", replace: "const sliceDrops = 1e9;" },
    { file: "kvstore/mvcc/compactor.ts", find: "pace.batchLimit ?? sliceDrops", replace: "sliceDrops" },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/mvcc/store.test.ts",
    name: "never looks at many keys in one go while it compacts",
  },
};
