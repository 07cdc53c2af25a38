import type { HistoricBug } from "../bug.ts";

export const membershipSnapshot: HistoricBug = {
  name: "#15528, snapshot",
  row: 19,
  versions: "what a snapshot must not bring",
  title: "a change of membership that a snapshot holds is made a second time",
  story:
    "The log was ahead of the state by a snapshot; the host still applied changes from before it, and a member that the snapshot knew to be a voter became what an old entry said. A change of membership is made once, in its place in the log.",
  patches: [
    {
      file: "raft/confchange/in-force.ts",
      find: "const isNews = index > this.#index;",
      replace: "const isNews = index > 0;",
    },
  ],
  scenario: {
    kind: "test",
    file: "raft/membership.test.ts",
    name: "that was in a snapshot is not made a second time by a host that still applies what came before",
  },
};
