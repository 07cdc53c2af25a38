import type { HistoricBug } from "../bug.ts";

export const leaseCutShort: HistoricBug = {
  name: "#9888, never early",
  row: 16,
  versions: "what checkpoints must not bring",
  title: "a checkpoint cuts short what a renewal has promised",
  story:
    "The other side of the same coin: a checkpoint says how little is left, the owner renews, the leader falls, and the next one goes by the checkpoint. A lease may end late, and never early: a renewal takes a checkpoint back before it is promised.",
  patches: [
    {
      file: "kvstore/lease/lessor.ts",
      find: "    if (lease.mayBeCheckpointed) {",
      replace: "    if (lease.mayBeCheckpointed && lease.ttl < 0) {",
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/lease/lessor.test.ts",
    name: "is taken back by a renewal",
  },
};
