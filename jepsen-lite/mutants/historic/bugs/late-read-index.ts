import type { HistoricBug } from "../bug.ts";
import { seeded } from "../seeded.ts";

export const lateReadIndex: HistoricBug = {
  name: "#20418",
  row: 14,
  versions: "3.4 to 3.6",
  title: "an answer to an earlier question confirms a later read",
  story:
    "A process stood still around a change of leader. The question that it then asked again had the context of the first, and the late answer to the first confirmed it: a stale read that called itself linearizable. A confirmation counts for the round it answers, and for nothing after it.",
  ...seeded(9),
  scenario: {
    kind: "test",
    file: "raft/reads.test.ts",
    name: "is not confirmed by a late answer to an earlier read with the same context",
  },
};
