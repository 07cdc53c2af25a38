import type { SeededBug } from "../bug.ts";

const log = "raft/log.ts";
const leader = "raft/leader.ts";

/** Of what was committed nothing is ever another, or gone. */
const committedImmutable = [
  "what is committed is never cut off",
  "committed twice",
  "committed entries agree",
  "leader completeness",
  "state machine safety",
];

export const consensusBugs: readonly SeededBug[] = [
  {
    number: 6,
    title: "a leader commits entries of earlier terms by counting",
    patches: [
      {
        file: leader,
        find: "if (index <= this.#log.committed || !this.#log.matchTerm(index, this.#term)) return;",
        replace: "if (index <= this.#log.committed) return;",
      },
    ],
    search: { kind: "schedules", steps: 12_000 },
    caughtBy: committedImmutable,
    blinded: ["a leader commits its own term"],
  },
  {
    number: 13,
    title: "a follower cuts its log off at every append",
    patches: [
      {
        file: log,
        find: "const fresh = entries.findIndex((entry) => !this.matchTerm(entry.index, entry.term));",
        replace: "const fresh = entries.length > 0 ? 0 : -1;",
      },
    ],
    search: { kind: "schedules", steps: 12_000 },
    caughtBy: [...committedImmutable, "log matching"],
    blinded: ["what is committed is never overwritten"],
  },
  {
    number: 14,
    title: "a follower commits what the leader has, whatever it has itself",
    patches: [
      {
        file: "raft/follower.ts",
        find: "this.#log.commitTo(Math.min(m.commit, last));",
        replace: "this.#log.commitTo(Math.min(m.commit, this.#log.lastIndex));",
      },
      {
        file: "raft/follower.ts",
        find: "this.#log.commitTo(isVoter(membership, id) ? m.commit : Math.min(m.commit, this.#log.lastIndex));",
        replace: "this.#log.commitTo(isVoter(membership, id) ? Math.min(m.commit, this.#log.lastIndex) : 0);",
      },
      {
        file: leader,
        find: "const commit = Math.min(progress.match, this.#log.committed);",
        replace: "const commit = this.#log.committed;",
      },
    ],
    search: { kind: "schedules", steps: 12_000 },
    caughtBy: ["state machine safety", "committed entries agree"],
  },
  {
    number: 19,
    title: "two changes of membership are under way at once",
    patches: [
      {
        file: leader,
        find: "let mayChange = this.#pendingConfIndex <= this.#log.applied;",
        replace: "let mayChange = true;",
      },
      { file: leader, find: "        mayChange = false;\n", replace: "" },
    ],
    search: { kind: "schedules", steps: 12_000 },
    caughtBy: ["election safety", ...committedImmutable],
  },
  {
    number: 20,
    title: "of a joint configuration only the new majority counts",
    patches: [
      {
        file: "raft/quorum/joint.ts",
        find: "return Math.min(majorityIndex(incoming), majorityIndex(outgoing));",
        replace: "return majorityIndex(incoming);",
      },
    ],
    search: { kind: "schedules", steps: 12_000 },
    caughtBy: ["committed is durable on a quorum", ...committedImmutable],
  },
  {
    number: 21,
    title: "learners count in the quorum",
    patches: [
      {
        file: leader,
        find: "this.#incoming = [...membership.voters].map(present);",
        replace: "this.#incoming = [...membership.voters, ...membership.learners].map(present);",
      },
    ],
    search: { kind: "schedules", steps: 12_000 },
    caughtBy: ["committed is durable on a quorum"],
  },
  {
    number: 22,
    title: "a leader that was removed goes on committing by itself",
    patches: [
      {
        file: leader,
        find: "      this.#giveUp();\n      return;\n    }\n    if (!isVoter(this.#node.membership, this.#transferee))",
        replace:
          "      this.#incoming = [[...this.#progress.values()].find((p) => this.#isSelf(p)) ?? this.#selfProgress()];\n    }\n    if (!isVoter(this.#node.membership, this.#transferee))",
      },
      {
        file: leader,
        find: "  #arrangeProgress(): void {",
        replace: `  #selfProgress(): Progress {
    const { config } = this.#node;
    const own = new Progress(config.id, this.#log.lastIndex + 1, new Inflights(config.maxInflightMessages, config.maxInflightBytes));
    own.maybeUpdate(this.#log.durableIndex);
    this.#progress.set(config.id, own);
    return own;
  }

  #arrangeProgress(): void {`,
      },
    ],
    search: {
      kind: "simulation",
      seconds: 30,
      forced: { workload: "register", members: 4, faults: { membership: 1 }, faultMeanUs: 1_000_000 },
    },
    caughtBy: ["committed is durable on a quorum"],
  },
  {
    number: 23,
    title: "no pre-vote, and no leader that asks for its quorum",
    patches: [
      {
        file: "kvstore/server/member.ts",
        find: "preVote: options.preVote ?? true,",
        replace: "preVote: false, checkQuorum: false,",
      },
    ],
    search: {
      kind: "simulation",
      seconds: 10,
      forced: {
        workload: "register",
        ending: "core",
        store: { preVote: true },
        members: 3,
        faults: { isolate: 1, "one-way": 1 },
      },
    },
    caughtBy: ["terms stay when nothing breaks", "leaders stay when nothing breaks"],
  },
  {
    number: 24,
    title: "who has a committed change of membership unapplied campaigns by the old one",
    patches: [
      {
        file: "raft/raft.ts",
        find: 'if (this.#role.kind === "leader" || !this.#promotable() || this.#hasUnappliedChange()) return;',
        replace: 'if (this.#role.kind === "leader" || !isVoter(this.membership, this.id)) return;',
      },
      {
        file: "raft/raft.ts",
        find: "    if (this.#hasUnappliedChange()) this.#takeOverTicks = this.config.electionTicks;\n    else ",
        replace: "    ",
      },
    ],
    search: { kind: "schedules", steps: 12_000 },
    caughtBy: ["who campaigns knows who votes", "election safety", ...committedImmutable],
  },
];
