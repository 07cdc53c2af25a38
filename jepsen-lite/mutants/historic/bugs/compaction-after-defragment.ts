import type { HistoricBug } from "../bug.ts";

export const compactionAfterDefragment: HistoricBug = {
  name: "#13841",
  row: 25,
  versions: "3.4.13",
  title: "compactions do not finish once the member was defragmented",
  story:
    "After a defragmentation the database went on with other settings than before: compactions took ever longer, or never said that they were done. A compaction that is under way, and each that follows, finishes.",
  patches: [
    {
      file: "kvstore/mvcc/backend.ts",
      find: "    return this.#closed;\n  }\n\n  async #writeBatch()",
      replace: "    return this.#closed || this.#metrics.defragInflight.value > 0;\n  }\n\n  async #writeBatch()",
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/mvcc/store.test.ts",
    name: "finishes a compaction that a defragmentation comes across",
  },
};
