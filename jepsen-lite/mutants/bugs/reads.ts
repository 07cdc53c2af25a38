import type { Forced, SeededBug } from "../bug.ts";

const leader = "raft/leader.ts";
const linearizable = ["linearizable registers"];
/** Many clients that think for a while: who asks a leader of before must not have been waiting for it already. */
const patientRegister: Forced = { members: 3, workload: "register", clients: 12, thinkMeanUs: 250_000, keys: 1 };
/** Many reads and writes of one key. */
const busyRegister: Forced = { members: 3, workload: "register", clients: 6, thinkMeanUs: 20_000, keys: 1 };

export const readBugs: readonly SeededBug[] = [
  {
    number: 7,
    title: "a new leader answers reads before it has committed anything",
    patches: [
      {
        file: leader,
        find: "if (!this.#log.matchTerm(this.#log.committed, this.#term)) this.#reads.hold(from, context);\n    else if",
        replace: "if",
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: {
        ...busyRegister,
        disk: { writeMeanUs: 30_000 },
        network: { leastDelayUs: 10_000, meanDelayUs: 20_000 },
        faults: { kill: 1 },
        faultMeanUs: 1_000_000,
        faultDurationUs: 1_000_000,
      },
    },
    caughtBy: linearizable,
  },
  {
    number: 8,
    title: "a leader answers reads without asking its quorum",
    patches: [
      {
        file: leader,
        find: "else this.#reads.add(request);",
        replace: "else this.#answerRead(request);",
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: {
        ...patientRegister,
        store: { heartbeatMs: 100, electionMs: 1000 },
        faults: { isolate: 1 },
        faultMeanUs: 3_000_000,
        faultDurationUs: 3_000_000,
      },
    },
    caughtBy: linearizable,
  },
  {
    number: 9,
    title: "any answer to a heartbeat, however old, confirms the newest reads",
    patches: [
      {
        file: leader,
        find: "if (round === undefined || round <= progress.readRound) return;\n    progress.readRound = round;",
        replace: "if (round === undefined) return;\n    progress.readRound = this.#reads.lastRound;",
      },
    ],
    search: { kind: "trial", module: "trials/old-answers.ts" },
    caughtBy: ["linearizable reads"],
  },
  {
    number: 10,
    title: "a read does not wait until its index is applied",
    patches: [
      {
        file: "kvstore/server/reads.ts",
        find: "if (applied >= index) for",
        replace: "if (applied >= 0) for",
      },
    ],
    search: { kind: "simulation", seconds: 20, forced: { members: 3, workload: "register", keys: 1 } },
    caughtBy: linearizable,
  },
  {
    number: 11,
    title: "reads trust the leader's lease, whatever the clocks do",
    patches: [
      {
        file: "kvstore/server/member.ts",
        find: "preVote: options.preVote ?? true,",
        replace: 'preVote: options.preVote ?? true, readOnly: "lease",',
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: {
        ...patientRegister,
        store: { heartbeatMs: 100, electionMs: 1000 },
        faults: { "clock-drift": 2, "clock-freeze": 1, isolate: 2 },
        faultMeanUs: 1_500_000,
        faultDurationUs: 3_000_000,
      },
    },
    caughtBy: linearizable,
  },
  {
    number: 12,
    title: "a leader that stood still goes on as if it had not",
    patches: [
      {
        file: "kvstore/server/raft-host.ts",
        find: "const isLate = nowMs - this.#tickedMs >= 2 * electionTicks * tickMs;",
        replace: "const isLate = nowMs - this.#tickedMs < 0;",
      },
      {
        file: leader,
        find: "else this.#reads.add(request);",
        replace: "else this.#answerRead(request);",
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: {
        ...patientRegister,
        store: { heartbeatMs: 50, electionMs: 250 },
        faults: { pause: 1 },
        faultMeanUs: 2_000_000,
        faultDurationUs: 3_000_000,
      },
    },
    caughtBy: linearizable,
  },
  {
    number: 39,
    title: "a transaction compares when it is asked for, not when it is applied",
    patches: [
      {
        file: "kvstore/rpc/kv.ts",
        find: '      member.propose("txn", request, done, access.caller(call));',
        replace: `      const isSo = request.compare.every((one) => holds(member.state.store, one));
      member.propose("txn", isSo ? { ...request, compare: [] } : request, done, access.caller(call));`,
      },
      {
        file: "kvstore/rpc/kv.ts",
        find: 'import type { Member } from "../server/member.ts";',
        replace: 'import { holds } from "../mvcc/compare.ts";\nimport type { Member } from "../server/member.ts";',
      },
    ],
    search: {
      kind: "simulation",
      seconds: 10,
      forced: { workload: "list-append", members: 3, clients: 6, thinkMeanUs: 20_000, keys: 2 },
    },
    caughtBy: ["list-append", "linearizable registers"],
  },
  {
    number: 43,
    title: "a client takes a timeout for a definite failure",
    patches: [
      {
        file: "kvstore/client/retry.ts",
        find: "  Status.Unauthenticated,\n]);",
        replace: "  Status.Unauthenticated,\n  Status.DeadlineExceeded,\n  Status.Unavailable,\n]);",
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: { workload: "list-append", members: 3, faults: { kill: 1, isolate: 1, pause: 1 } },
    },
    caughtBy: ["list-append: G1a", "linearizable registers"],
  },
  {
    number: 44,
    title: "a client sends a write again of which it does not know whether it happened",
    patches: [
      {
        file: "kvstore/client/retry.ts",
        find: "return !isWrite && outcome.code === Status.Unavailable;",
        replace: "return outcome.code === Status.Unavailable;",
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: { workload: "register", members: 3, keys: 2, faults: { kill: 1, isolate: 1 } },
    },
    caughtBy: ["list-append", "linearizable registers"],
  },
  {
    number: 45,
    title: "the KV service goes on reading the state that a snapshot has replaced",
    patches: [
      {
        file: "kvstore/rpc/kv.ts",
        find: "const { applier, store } = member.state;",
        replace: "const { applier, store } = held;",
      },
      {
        file: "kvstore/rpc/kv.ts",
        find: "  const maxTxnOps = member.options.maxTxnOps ?? defaults.maxTxnOps;",
        replace: "  const maxTxnOps = member.options.maxTxnOps ?? defaults.maxTxnOps;\n  const held = member.state;",
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: {
        workload: "register",
        members: 3,
        thinkMeanUs: 50_000,
        store: { snapshotCount: 20, catchupEntries: 0 },
        faults: { isolate: 2, defragment: 1, "lose-database": 1 },
      },
    },
    caughtBy: linearizable,
  },
];
