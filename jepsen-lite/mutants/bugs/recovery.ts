import type { SeededBug } from "../bug.ts";

export const recoveryBugs: readonly SeededBug[] = [
  {
    number: 16,
    title: "snapshots leave the leases out",
    patches: [
      {
        file: "kvstore/server/snapshots.ts",
        find: "    for (let at = 0; at < run.length; at += chunkRecords) {\n      yield encodeRun(run.slice(at, at + chunkRecords) as readonly SnapshotRecord[]);",
        replace:
          '    const kept = run.filter(({ bucket }) => bucket !== "lease");\n    for (let at = 0; at < kept.length; at += chunkRecords) {\n      yield encodeRun(kept.slice(at, at + chunkRecords) as readonly SnapshotRecord[]);',
      },
    ],
    search: {
      kind: "simulation",
      seconds: 30,
      forced: {
        workload: "lease",
        members: 3,
        store: { snapshotCount: 20, catchupEntries: 0 },
        faults: { isolate: 1, "lose-database": 2, kill: 1, transfer: 1 },
      },
    },
    caughtBy: ["lease bounds"],
  },
  {
    number: 17,
    title: "the applied index is written later than what was applied: entries are applied twice",
    patches: [
      {
        file: "kvstore/mvcc/store.ts",
        find: "    const { index, term } = this.#applied;\n    this.#drained = this.#applied;",
        replace: "    const { index, term } = this.#drained;\n    this.#drained = this.#applied;",
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: { workload: "register", members: 3, faults: { kill: 1, "power-loss": 1 } },
    },
    caughtBy: ["all members have the same keys", "linearizable registers"],
  },
  {
    number: 18,
    title: "a start takes all that was committed for applied",
    patches: [
      {
        file: "kvstore/server/member.ts",
        find: "const applied = origin.lost ?? state.store.applied;",
        replace: `const committed = origin.replay?.hardState.commit ?? 0;
    const applied = origin.lost ?? { ...state.store.applied, index: Math.max(state.store.applied.index, committed) };`,
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: { workload: "store", members: 3, faults: { kill: 1, "power-loss": 1 } },
    },
    caughtBy: ["all members have the same keys", "durability"],
  },
  {
    number: 25,
    title: "a write that a crash cut off is taken for damage",
    patches: [
      {
        file: "kvstore/wal/replay.ts",
        find: 'if (end.state === "damaged" || (end.state === "torn" && !last)) {',
        replace: 'if (end.state !== "clean") {',
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: {
        workload: "register",
        thinkMeanUs: 20_000,
        clients: 6,
        disk: { tornPercent: 50, writeMeanUs: 30_000 },
        faults: { "power-loss": 1, "kill-all": 1 },
        faultDurationUs: 200_000,
      },
    },
    caughtBy: ["a member never fails by itself"],
  },
  {
    number: 26,
    title: "damage in the middle of the log is taken for a write that was cut off",
    patches: [
      {
        file: "kvstore/wal/replay.ts",
        find: 'if (end.state === "damaged" || (end.state === "torn" && !last)) {',
        replace: 'if (end.state !== "clean" && !last) {',
      },
    ],
    search: {
      kind: "simulation",
      seconds: 30,
      forced: { workload: "store", members: 3, faults: { "bit-flip": 2, kill: 4, isolate: 2, "kill-all": 1 } },
    },
    caughtBy: ["durability", "leader completeness", "state machine safety", "committed is durable on a quorum"],
  },
  {
    number: 27,
    title: "an error of the disk is swallowed",
    patches: [
      {
        file: "kvstore/wal/wal.ts",
        find: "    if (error !== undefined) this.#fail(error);\n    if (this.#failed) {",
        replace: "    if (this.#failed) {",
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: { members: 3, workload: "store", faults: { "sync-error": 2, "kill-all": 1 } },
    },
    caughtBy: ["durability", "who cannot write stops"],
    blinded: [
      "entries are durable before they are told",
      "a term is durable before it is told",
      "a vote is durable before it is told",
      "a leader's own vote is durable",
      "committed is durable on a quorum",
    ],
  },
  {
    number: 47,
    title: "applying asks the clock",
    patches: [
      {
        file: "kvstore/mvcc/store.ts",
        find: "    const version = entry.version + 1;\n    const record",
        replace: "    const version = entry.version + 1 + (Math.floor(this.#clock.now()) % 2);\n    const record",
      },
    ],
    search: { kind: "simulation", seconds: 5, forced: { members: 3, workload: "register" } },
    caughtBy: ["all members have the same keys"],
  },
];
