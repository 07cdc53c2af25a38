import type { SeededBug } from "../bug.ts";

/** What the ledger and the log itself would say long before a client notices that something is gone. */
const diskWatchers = [
  "a term is durable before it is told",
  "entries are durable before they are told",
  "a vote is durable before it is told",
  "a leader's own vote is durable",
  "committed is durable on a quorum",
];

const votesOnDisk = [
  "a term is durable before it is told",
  "a vote is durable before it is told",
  "a leader's own vote is durable",
  "a term on the disk never goes back",
  "one vote per term",
];

export const durabilityBugs: readonly SeededBug[] = [
  {
    number: 1,
    title: "acknowledges before the log is synced",
    patches: [
      {
        file: "kvstore/server/persistence.ts",
        find: `    this.#options.wal.append(entries, written, () => {
      if (!(failpoints.armed && this.#options.holds("raftAfterSave", durable))) durable();
    });`,
        replace: `    this.#options.wal.append(entries, written);
    durable();`,
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: {
        members: 3,
        workload: "store",
        clients: 6,
        thinkMeanUs: 50_000,
        faults: { "kill-all": 1 },
        disk: { writeMeanUs: 100_000, tornPercent: 0 },
        faultMeanUs: 3_000_000,
        faultDurationUs: 200_000,
      },
    },
    caughtBy: ["durability"],
    blinded: [...diskWatchers, "leader completeness", "state machine safety"],
  },
  {
    number: 2,
    title: "acknowledges what the leader alone has",
    patches: [
      {
        file: "raft/leader.ts",
        find: "const index = this.#quorumReached((progress) => progress.match);",
        replace: "const index = this.#log.durableIndex;",
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: {
        members: 3,
        workload: "register",
        thinkMeanUs: 50_000,
        keys: 2,
        faults: { isolate: 3, halves: 1 },
        faultMeanUs: 2_000_000,
        faultDurationUs: 3_000_000,
      },
    },
    caughtBy: ["durability", "linearizable registers"],
    blinded: [...diskWatchers, "leader completeness", "state machine safety"],
  },
  {
    number: 3,
    title: "a follower acknowledges entries before they are synced",
    patches: [{ file: "raft/messages.ts", find: "    case MessageType.MsgAppResp:\n", replace: "" }],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: { workload: "register", members: 3, faults: { "power-loss": 1 }, disk: { writeMeanUs: 10_000 } },
    },
    caughtBy: ["committed is durable on a quorum"],
    blinded: ["entries are durable before they are told", "a term is durable before it is told"],
  },
  {
    number: 4,
    title: "a vote is told before it is synced, and forgotten in a crash",
    patches: [
      {
        file: "raft/rawnode.ts",
        find: `        snapshot !== undefined ||
        before.term !== this.#hardState.term ||
        before.vote !== this.#hardState.vote,`,
        replace: "        snapshot !== undefined,",
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: {
        workload: "register",
        members: 3,
        store: { preVote: false, heartbeatMs: 50, electionMs: 250 },
        network: { leastDelayUs: 10_000, meanDelayUs: 20_000 },
        disk: { writeMeanUs: 10_000 },
        faults: { kill: 1 },
        faultMeanUs: 200_000,
        faultDurationUs: 100_000,
      },
    },
    caughtBy: ["election safety"],
    blinded: votesOnDisk,
  },
  {
    number: 5,
    title: "the term is written first, the vote with the write after",
    patches: [
      {
        file: "kvstore/server/persistence.ts",
        find: "    this.#lateHardState = undefined;\n    const durable = () => {",
        replace: "    this.#lateHardState = written;\n    const durable = () => {",
      },
      {
        file: "kvstore/server/persistence.ts",
        find: "this.#options.wal.append(entries, written, () => {",
        replace: "this.#options.wal.append(entries, written && { ...written, vote: nobody }, () => {",
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: {
        workload: "register",
        members: 3,
        store: { preVote: false, heartbeatMs: 50, electionMs: 250 },
        network: { leastDelayUs: 10_000, meanDelayUs: 20_000 },
        disk: { writeMeanUs: 10_000 },
        faults: { kill: 1 },
        faultMeanUs: 200_000,
        faultDurationUs: 100_000,
      },
    },
    caughtBy: ["election safety"],
    blinded: votesOnDisk,
  },
];
