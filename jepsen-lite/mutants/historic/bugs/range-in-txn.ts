import type { HistoricBug } from "../bug.ts";

export const rangeInTxn: HistoricBug = {
  name: "#21432",
  row: 12,
  versions: "main",
  title: "whether a transaction may read a revision depends on how far the member has compacted",
  story:
    "A transaction that reads an explicit revision fails where that is compacted. Members that had come further with the same compaction refused it whole, writes included; others carried it out. What an entry does follows from the log alone: compacted is what the log says, not what the sweep has reached.",
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
