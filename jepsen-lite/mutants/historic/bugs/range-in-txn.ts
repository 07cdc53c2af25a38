import type { HistoricBug } from "../bug.ts";

export const rangeInTxn: HistoricBug = {
  name: "#18667, compaction",
  row: 12,
  versions: "what must not differ either",
  title: "whether a transaction may read a revision depends on how far the member has compacted",
  story:
    "The same danger, by another way: a transaction that reads an explicit revision fails where that is compacted, and members come to the end of a compaction at different times. What an entry does follows from the log alone: compacted is what the log says, not what the sweep has reached.",
  patches: [
    {
      file: "kvstore/mvcc/store.ts",
      find: `    this.#compactRevision = revision;
    writeRevision(this.#backend, scheduledKey, revision);
    return { physical: this.#compactor.schedule(revision) };`,
      replace: `    writeRevision(this.#backend, scheduledKey, revision);
    const physical = this.#compactor.schedule(revision).then(() => {
      this.#compactRevision = revision;
    });
    return { physical };`,
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/mvcc/store.test.ts",
    name: "refuses a transaction that reads what is compacted on every member alike, however far each has come with removing it",
  },
};
