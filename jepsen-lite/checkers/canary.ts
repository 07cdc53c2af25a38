import { checker } from "./verdict.ts";

/** Always fails. A run that carries it and is not red has a pipeline that does not report. */
export const canary = checker<unknown>("canary", () => ({
  anomalies: [
    {
      kind: "canary",
      explanation: "This checker fails on purpose, to show that failures are reported.",
      operations: [],
    },
  ],
  judged: 1,
  of: "canaries",
}));
