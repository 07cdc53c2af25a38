import type { Patch } from "../../patch.ts";
import type { HistoricBug } from "../bug.ts";

/** A tombstone that lies exactly at the compacted revision is dropped. */
export const tombstonesGo: readonly Patch[] = [
  {
    file: "kvstore/mvcc/key-index.ts",
    find: "if (this.live || this.main === main) return;",
    replace: "if (this.live) return;",
  },
];

export const lostTombstone: HistoricBug = {
  name: "#18089",
  row: 10,
  versions: "3.4, 3.5",
  title: "compacting at a deletion's revision loses the deletion",
  story:
    "A compaction at the very revision of a deletion removed it, and a watch that resumed from that revision, which it may, never heard of it: an informer kept the object for ever. The compacted revision itself can still be watched.",
  patches: tombstonesGo,
  scenario: {
    kind: "test",
    file: "kvstore/mvcc/watch/hub.test.ts",
    name: "starts at the compacted revision itself, where a deletion still counts, and not before",
  },
};
