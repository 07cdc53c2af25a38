import type { HistoricBug } from "../bug.ts";

export const restartRenews: HistoricBug = {
  name: "#9395",
  row: 16,
  versions: "3.3",
  title: "a restart gives leases the time again that has passed since they were told of",
  story:
    "Each election, and each restart of a cluster of one, began the time of all leases anew; nobody who read the documentation expected it. What was told to be left of a lease is worth less with every second, also while nobody leads.",
  patches: [
    {
      file: "kvstore/lease/lessor.ts",
      find: "return remainingTtl > 0 ? Math.max(startMs, toldMs + remainingTtl * 1000) : startMs + ttl * 1000;",
      replace: "return startMs + (remainingTtl > 0 && toldMs > 0 ? remainingTtl : ttl) * 1000;",
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/lease/lessor.test.ts",
    name: "time goes on while others lead: what was told is worth less with every second",
  },
};
