import type { HistoricBug } from "../bug.ts";
import { tombstonesGo } from "./lost-tombstone.ts";

export const revisionGoesBack: HistoricBug = {
  name: "#17780",
  row: 9,
  versions: "3.4, 3.5",
  title: "the revision goes back when a crash finds a compaction swept and not marked as finished",
  story:
    "The newest revisions were deletions, and the last batch of a compaction removed them. Killed before it marked the compaction as finished, the member took the highest revision it found for the newest, and gave out revisions a second time. The revision never goes back.",
  // etcd of those days dropped a tombstone that lay at the compacted revision, too.
  setting: tombstonesGo,
  patches: [
    {
      file: "kvstore/mvcc/store.ts",
      find: "this.#revision = Math.max(revision, this.#compactRevision);",
      replace: "this.#revision = revision;",
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/mvcc/store.test.ts",
    name: "never goes back in its revision, though a compaction has removed the newest ones, and a crash comes before it is done",
  },
};
