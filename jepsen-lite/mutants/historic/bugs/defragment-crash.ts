import type { HistoricBug } from "../bug.ts";

export const defragmentCrash: HistoricBug = {
  name: "#14685",
  row: 3,
  versions: "3.5.0 to 3.5.5",
  title: "defragmenting writes what is pending without the applied index",
  story:
    "Defragmenting first committed what was pending, by a way that left out the index up to which it was applied. A crash before the next commit, and the member applied those entries a second time: its revisions ran ahead of the others'. Whatever the reason for a commit, data and index go together.",
  patches: [
    {
      file: "kvstore/mvcc/backend.ts",
      find: '      await this.commit();\n      if (failpoints.armed) await failpoints.pause("defragBeforeCopy");',
      replace: `      isDefragmenting = this.#engine.get(prefixes.meta + "consistent_index") !== undefined;
      await this.commit();
      isDefragmenting = false;
      if (failpoints.armed) await failpoints.pause("defragBeforeCopy");`,
    },
    {
      file: "kvstore/mvcc/backend.ts",
      find: "    for (const { bucket, key, value } of changes) yield { key: prefixes[bucket] + key, value };",
      replace: `    for (const { bucket, key, value } of changes)
      if (!(isDefragmenting && bucket === "meta")) yield { key: prefixes[bucket] + key, value };`,
    },
    {
      file: "kvstore/mvcc/backend.ts",
      find: "/** Measuring means to look at every file",
      replace: "let isDefragmenting = false;\n/** Measuring means to look at every file",
    },
  ],
  scenario: {
    kind: "simulation",
    seconds: 20,
    seeds: 30,
    forced: {
      workload: "register",
      members: 3,
      thinkMeanUs: 50_000,
      store: { batchIntervalMs: 1000, snapshotCount: 10_000 },
      faults: { defragment: 3, kill: 2 },
      faultMeanUs: 500_000,
    },
    caughtBy: ["all members have the same keys", "linearizable registers"],
  },
};
