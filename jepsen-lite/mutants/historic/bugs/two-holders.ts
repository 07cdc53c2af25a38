import type { HistoricBug } from "../bug.ts";

export const twoHolders: HistoricBug = {
  name: "#10811",
  row: 0,
  versions: "3.4.3 and before",
  title: "two clients hold a lock at once, both with live leases",
  story: "Who waits for a lock waits until all who came before are gone, and not only the one it has looked at.",
  patches: [
    {
      file: "kvstore/rpc/lock.ts",
      find: "    await olderGone(calls, prefix, own - 1);\n",
      replace: "",
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/rpc/waiting-line.test.ts",
    name: "whoever came first has the lock, one at a time, whatever the others do meanwhile",
  },
};
