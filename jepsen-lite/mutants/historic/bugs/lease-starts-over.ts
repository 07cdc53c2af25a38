import type { HistoricBug } from "../bug.ts";

export const leaseStartsOver: HistoricBug = {
  name: "#9888",
  row: 16,
  versions: "before checkpoints (3.4)",
  title: "each new leader gives every lease its full time again",
  story:
    "Nobody but the leader counts, so with elections more often than the time of a lease it never ended, and what hung on it stayed. What is left of a lease is told to the others, and counts on whoever leads.",
  patches: [
    {
      file: "kvstore/lease/lessor.ts",
      find: "return remainingTtl > 0 ? Math.max(startMs, toldMs + remainingTtl * 1000) : startMs + ttl * 1000;",
      replace: "return remainingTtl < 0 ? toldMs : startMs + ttl * 1000;",
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/lease/lessor.test.ts",
    name: "makes a long lease's time pass across leaders",
  },
};
