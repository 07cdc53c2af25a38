import type { HistoricBug } from "../bug.ts";
import { removedComesBack } from "./removed-comes-back.ts";

export const zombieMembers: HistoricBug = {
  name: "#20340, cluster",
  row: 19,
  versions: "3.6",
  title: "members disagree on who the members are, once some of them have been restarted",
  story:
    "The same in a cluster whose members come, go and are killed: who was restarted lists, and counts, members that the others have removed. In the end all members say the same of who they are.",
  patches: removedComesBack.patches,
  scenario: {
    kind: "simulation",
    seconds: 20,
    seeds: 40,
    forced: {
      workload: "membership",
      members: 3,
      faults: { replace: 1, membership: 1, kill: 2 },
      faultMeanUs: 1_000_000,
      faultDurationUs: 1_000_000,
      ending: "whole",
    },
    caughtBy: ["membership agreement"],
  },
};
