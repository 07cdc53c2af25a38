import type { HistoricBug } from "../bug.ts";

export const secondSnapshot: HistoricBug = {
  name: "#18055",
  row: 11,
  versions: "3.5, 3.6",
  title: "a snapshot arrives while another is being put in place, and its member ends",
  story:
    "Two snapshots came in quick succession. Saving the second removed the file of the first, which was still to be applied: the member panicked. One at a time: what comes while a snapshot is being put in place is not taken.",
  patches: [
    {
      file: "raft/follower.ts",
      find: "if ((index <= this.#log.committed && !asked) || this.#log.hasUnappliedSnapshot) return false;",
      replace: "if (index <= this.#log.committed && !asked) return false;",
    },
  ],
  scenario: {
    kind: "test",
    file: "raft/snapshots.test.ts",
    name: "while another is being put in place: it is not taken",
  },
};
