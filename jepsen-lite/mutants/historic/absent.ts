import type { AbsentBug } from "./bug.ts";

/** Bugs of etcd's that nobody can put into this store, and what looks for their effect all the same. Counted apart. */
export const absentBugs: readonly AbsentBug[] = [
  {
    name: "#20271",
    row: 11,
    versions: "3.5, 3.6",
    title: "a snapshot is put in place while the database is being defragmented, and its member ends",
    why: "etcd defragments by copying its file and renaming the copy, under which a snapshot renamed another. Here LevelDB tidies its files in place, and a snapshot has a directory of its own.",
    scenario: {
      kind: "test",
      file: "kvstore/mvcc/engine.test.ts",
      name: "a database that a snapshot replaces while it is being defragmented ends in peace, and the snapshot is what is found",
    },
  },
  {
    name: "#14891",
    row: 0,
    versions: "3.5.6 (found by Jepsen)",
    title: "a pause makes a transaction time out, and the member ends while it logs that it was slow",
    why: "The log line read from an answer that was not there (a nil pointer). An answer and a failure are one union here, and what is logged does not compile without telling them apart.",
    scenario: {
      kind: "test",
      file: "jepsen-lite/mutants/historic/cluster.test.ts",
      name: "a member that stands still while it is asked goes on when it wakes",
    },
  },
];
