import type { HistoricBug } from "../bug.ts";

export const remainingRollsOver: HistoricBug = {
  name: "#12381",
  row: 18,
  versions: "3.4.6",
  title: "the remaining time of a lease rolls over to 9,223,372,036 seconds",
  story:
    "A leader cut off from the others was deposed; its leases had no deadline any more, and that is what it told. Who is not the primary knows of no remaining time, and says so.",
  patches: [
    {
      file: "kvstore/lease/lessor.ts",
      find: `  timeToLive(id: bigint): TimeToLive | Failure<"LeaseNotFound" | "NotPrimary"> {
    if (!this.isPrimary) return fail("NotPrimary");`,
      replace: `  timeToLive(id: bigint): TimeToLive | Failure<"LeaseNotFound" | "NotPrimary"> {`,
    },
  ],
  scenario: { kind: "test", file: "kvstore/lease/lessor.test.ts", name: "is nobody's business but the leader's" },
};
