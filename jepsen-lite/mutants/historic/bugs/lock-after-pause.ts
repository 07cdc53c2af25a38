import type { HistoricBug } from "../bug.ts";

export const lockAfterPause: HistoricBug = {
  name: "#11457",
  row: 22,
  versions: "all, and all to come",
  title: "a lock holder that stood still goes on after its lease has ended",
  story:
    "No lock that rests on a lease excludes: who is paused for longer than its lease lasts goes on as if it still held it, while another does. It is said so, and what the lock guards has to compare the create revision of the lock's key in the transaction that writes: with that fence the workload is valid, and without it invalid.",
  patches: [
    {
      file: "jepsen-lite/workloads/lock.ts",
      find: "compare: isFenced ? [isStillThere(own)] : []",
      replace: "compare: isFenced && own.token < 0 ? [isStillThere(own)] : []",
    },
  ],
  scenario: {
    kind: "simulation",
    seconds: 30,
    seeds: 20,
    forced: { workload: "lock", members: 3, clients: 6, thinkMeanUs: 50_000, faults: { pause: 1, kill: 1 } },
    caughtBy: ["locks"],
  },
};
