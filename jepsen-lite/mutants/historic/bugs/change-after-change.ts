import type { HistoricBug } from "../bug.ts";

export const changeAfterChange: HistoricBug = {
  name: "#15528",
  row: 19,
  versions: "main, 2023",
  title: "a change of membership that follows another at once comes to nothing",
  story:
    "A client was told that its change had been made before Raft knew that it was applied. The next one, made on the strength of that, found the first still pending, was dropped, and its client waited in vain. Whoever was told of one change can make the next: it waits for its turn.",
  // As in etcd, whoever asked hears of the change before Raft does.
  setting: [
    {
      file: "kvstore/server/raft-host.ts",
      find: "    this.#node.applied(last.index);\n    this.#reads.advance(last.index);",
      replace: `    const { index } = last;
    clock.after(50, () => this.#guard(() => this.#node.applied(index)));
    this.#reads.advance(last.index);`,
    },
  ],
  patches: [
    {
      file: "kvstore/server/proposals.ts",
      find: "      if (this.#requests.has(id)) this.#proposeChange(entry, id);",
      replace: "      if (this.#requests.has(id)) return;",
    },
  ],
  scenario: {
    kind: "test",
    file: "jepsen-lite/mutants/historic/cluster.test.ts",
    name: "changes of membership that follow each other at once are all made",
  },
};
