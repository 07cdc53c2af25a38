import type { Profile } from "./operations.ts";

const nothing = { kv: 0, txn: 0, compact: 0, lease: 0, watch: 0, maintenance: 0, transfer: 0, membership: 0, auth: 0 };

const maxRequestBytes = 20_100;

/** What is asked of which stores. Passwords are hashed as cheaply as the flag allows. */
export const profiles: readonly Profile[] = [
  {
    name: "keys",
    share: 3,
    members: 1,
    args: [],
    weights: { ...nothing, kv: 30, txn: 30, compact: 3, lease: 8, watch: 12, maintenance: 4 },
    callers: ["nobody"],
  },
  {
    name: "limits",
    share: 3,
    members: 1,
    args: ["--max-txn-ops", "4", "--max-request-bytes", `${maxRequestBytes}`],
    maxRequestBytes,
    weights: { ...nothing, kv: 30, txn: 40, compact: 3, lease: 5, watch: 12, maintenance: 4 },
    callers: ["nobody"],
  },
  {
    name: "users",
    share: 2,
    members: 1,
    args: ["--bcrypt-cost", "4"],
    weights: { ...nothing, kv: 20, txn: 10, compact: 2, lease: 8, watch: 6, maintenance: 6, auth: 40 },
    callers: ["root", "root", "alice", "bob", "nobody", "forger"],
  },
  {
    name: "three members",
    share: 2,
    members: 3,
    args: ["--bcrypt-cost", "4"],
    weights: {
      ...nothing,
      kv: 24,
      txn: 14,
      compact: 2,
      lease: 8,
      watch: 8,
      maintenance: 6,
      transfer: 1,
      membership: 14,
      auth: 12,
    },
    callers: ["nobody", "nobody", "root", "alice", "forger"],
  },
];
