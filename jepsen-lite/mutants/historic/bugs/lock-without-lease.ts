import type { HistoricBug } from "../bug.ts";

export const lockWithoutLease: HistoricBug = {
  name: "#11456",
  row: 0,
  versions: "3.4.3 (found by Jepsen)",
  title: "a lock is given though the lease has ended while it was waited for",
  story:
    "The call waited for whoever was before it, and then said that it had the lock, without looking whether its own key was still there. It looks.",
  patches: [
    {
      file: "kvstore/rpc/lock.ts",
      find: 'if (found.kvs.length === 0) throw new RpcError(Status.Unknown, "mutex: session is expired");',
      replace: 'if (found.kvs.length < 0) throw new RpcError(Status.Unknown, "mutex: session is expired");',
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/rpc/waiting-line.test.ts",
    name: "a lock whose lease ended while it was waited for is not given, and a lease that does not exist gives none",
  },
};
