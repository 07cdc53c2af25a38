import type { HistoricBug } from "../bug.ts";

export const appliedIndex: HistoricBug = {
  name: "#13766",
  row: 1,
  versions: "3.5.0 to 3.5.2",
  title: "the applied index is written, and not the data of that index",
  story:
    "Members killed under load came back with the index of an entry on disk whose data was not: the entry was never applied there, revisions and keys of the members parted for good, and nothing said so. Whoever comes back has to have applied each entry once: equal hashes everywhere.",
  patches: [
    {
      file: "kvstore/mvcc/history.ts",
      find: "    const [recent, from, to, dropped] = [this.#recent, this.#undrained, this.#recent.length, this.#dropped];",
      replace: `    const held = Math.max(this.#undrained, this.#recent.length - 1);
    const [recent, from, to, dropped] = [this.#recent, this.#undrained, held, this.#dropped];`,
    },
  ],
  scenario: {
    kind: "simulation",
    seconds: 20,
    seeds: 20,
    forced: {
      workload: "register",
      members: 3,
      thinkMeanUs: 20_000,
      store: { snapshotCount: 50, catchupEntries: 5, batchIntervalMs: 100 },
      faults: { kill: 1 },
    },
    caughtBy: ["all members have the same keys", "linearizable registers"],
  },
};
