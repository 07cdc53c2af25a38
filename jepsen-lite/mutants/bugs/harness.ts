import type { SeededBug } from "../bug.ts";

/** Bugs of what looks for bugs, and of what only shows in states that no run of the store passes through. */
export const harnessBugs: readonly SeededBug[] = [
  {
    number: 15,
    title: "a snapshot leaves the conflicting end of the log in its place",
    patches: [
      {
        file: "kvstore/wal/replay.ts",
        find: "if (snapshot.index > this.#lastIndex || this.#conflicts(snapshot)) this.#entries = [];",
        replace: "if (snapshot.index > this.#lastIndex) this.#entries = [];",
      },
    ],
    search: { kind: "trial", module: "trials/log-replay.ts" },
    caughtBy: ["log matching"],
  },
  {
    number: 28,
    title: "the directory is not synced when a segment of the log gets its name",
    patches: [
      {
        file: "kvstore/wal/wal.ts",
        find: "    await this.#files.syncDirectory(this.#directory);\n    this.#file = file;",
        replace: "    this.#file = file;",
      },
    ],
    search: { kind: "trial", module: "trials/crash-states.ts" },
    caughtBy: ["crash-state enumeration"],
  },
  {
    number: 46,
    title: "HashKV looks at keys alone",
    patches: [
      {
        file: "kvstore/mvcc/hash.ts",
        find: ".flatMap(({ key, value }) => [key, value]);",
        replace: ".map(({ key }) => key);",
      },
    ],
    search: { kind: "trial", module: "trials/hash-kv.ts" },
    caughtBy: ["HashKV of a falsified member"],
  },
  {
    number: 48,
    title: "the simulator lets the machine's own time in",
    patches: [
      {
        file: "jepsen-lite/simulation/network.ts",
        find: 'import type { Chance } from "./chance.ts";',
        replace: 'import { hrtime } from "node:process";\nimport type { Chance } from "./chance.ts";',
      },
      {
        file: "jepsen-lite/simulation/network.ts",
        find: "return clogUs + leastDelayUs +",
        replace: "return (hrtime()[1] % 5) + clogUs + leastDelayUs +",
      },
    ],
    search: { kind: "trial", module: "trials/double-run.ts" },
    caughtBy: ["double-run hash"],
  },
  {
    number: 49,
    title: "a nemesis cuts links, and nothing happens",
    patches: [
      {
        file: "jepsen-lite/simulation/network.ts",
        find: "    if (link.cut) return;\n    link.cut = true;",
        replace: "    if (link.cut) return;",
      },
    ],
    search: { kind: "trial", module: "trials/effect.ts" },
    caughtBy: ["vacuity: fault-without-effect"],
  },
  {
    number: 50,
    title: "a checker that fails has found nothing wrong",
    patches: [
      {
        file: "jepsen-lite/checkers/verdict.ts",
        find: "      return {\n        valid: false,\n        checker: name,\n        summary: `The checker itself",
        replace: "      return {\n        valid: true,\n        checker: name,\n        summary: `The checker itself",
      },
    ],
    search: { kind: "trial", module: "trials/checkers.ts" },
    caughtBy: ["canary", "checkers' own test", "history mutants"],
  },
];
