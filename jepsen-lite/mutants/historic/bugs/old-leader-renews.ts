import type { HistoricBug } from "../bug.ts";

export const oldLeaderRenews: HistoricBug = {
  name: "#15247",
  row: 15,
  versions: "3.4, 3.5",
  title: "a leader that was deposed without noticing renews leases",
  story:
    "Stuck in fdatasync, the old leader took itself for the primary of all leases and told clients that theirs were renewed; the new leader, who heard nothing of it, revoked them. A renewal is promised once the leader is sure that it still leads.",
  patches: [
    {
      file: "kvstore/rpc/lease.ts",
      find: "const mayAnswer = async () => lessor().isPrimary && (await confirmLeadership());",
      replace: "const mayAnswer = async () => lessor().isPrimary && (await confirmLeadership(), true);",
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/rpc/lease.test.ts",
    name: "a leader that is none any more, and does not know it, renews nothing",
  },
};
