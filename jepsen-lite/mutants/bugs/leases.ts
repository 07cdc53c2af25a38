import type { SeededBug } from "../bug.ts";

export const leaseBugs: readonly SeededBug[] = [
  {
    number: 36,
    title: "a new leader lets no lease of before run out",
    patches: [
      {
        file: "kvstore/lease/lessor.ts",
        find: "const expiryMs = this.#expiryFrom(lease, atMs) + extendMs;",
        replace: "const expiryMs = this.#expiryFrom(lease, atMs) + 1000 * extendMs;",
      },
    ],
    search: {
      kind: "simulation",
      seconds: 20,
      forced: { workload: "lease", members: 3, thinkMeanUs: 400_000, faults: { transfer: 1 }, faultMeanUs: 300_000 },
    },
    caughtBy: ["lease bounds: lease-outlived"],
  },
  {
    number: 37,
    title: "who led once goes on ending leases",
    patches: [
      { file: "kvstore/server/leader-duties.ts", find: "      this.#primary?.demote();\n", replace: "" },
      {
        file: "kvstore/server/leader-duties.ts",
        find: 'await this.#member.proposedAsLeader("leaseRevoke", { id });',
        replace: 'await this.#member.proposed("leaseRevoke", { id }, this.#member.auth.self);',
      },
    ],
    search: { kind: "simulation", seconds: 20, forced: { workload: "lease", members: 3, faults: { transfer: 1 } } },
    caughtBy: ["lease bounds: lease-expired-early"],
  },
  {
    number: 38,
    title: "a lease takes keys with it that hang on another by now",
    patches: [
      {
        file: "kvstore/mvcc/store.ts",
        find: "    if (previousLease !== 0n) this.#leases.detach(previousLease, key);\n",
        replace: "",
      },
    ],
    search: {
      kind: "simulation",
      seconds: 15,
      forced: { workload: "lease", clients: 2, thinkMeanUs: 100_000, faults: {} },
    },
    caughtBy: ["linearizable store"],
    blinded: ["a lease goes after its keys"],
  },
];
