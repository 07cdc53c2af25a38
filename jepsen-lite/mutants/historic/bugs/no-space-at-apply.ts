import type { HistoricBug } from "../bug.ts";

export const noSpaceAtApply: HistoricBug = {
  name: "NOSPACE at apply",
  row: 21,
  versions: "all with v3",
  title: "a client takes NOSPACE for: it did not happen",
  story:
    "The quota is looked at before a request goes into the log, and the alarm again when it is applied, where members' answers may be late: NOSPACE does not say that nothing was written. A client has to take it for perhaps, and so does every model of it.",
  patches: [
    {
      file: "kvstore/client/retry.ts",
      find: "  Status.Unauthenticated,\n]);",
      replace: "  Status.Unauthenticated,\n  Status.ResourceExhausted,\n]);",
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/client/retry.test.ts",
    name: "a write that was refused for want of space may have happened",
  },
};
