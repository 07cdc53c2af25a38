import type { HistoricBug } from "../bug.ts";

export const promotionForgotten: HistoricBug = {
  name: "#19557",
  row: 20,
  versions: "3.5.1 to 3.5.19",
  title: "that a learner was promoted is not written where the next version reads it",
  story:
    "Until 3.5 one place was read and another one written as well; promotions were missing in the second. 3.6 read that one, took voters for learners, and did not start. What a member is survives each restart.",
  patches: [
    {
      file: "kvstore/server/membership.ts",
      find: "if (member !== undefined) this.#put({ ...member, isLearner: false });",
      replace: "if (member !== undefined) this.#members.set(id, { ...member, isLearner: false });",
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/server/server.test.ts",
    name: "survives a restart: members, who was removed, the version, the configuration",
  },
};
