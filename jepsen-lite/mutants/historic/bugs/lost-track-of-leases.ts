import type { HistoricBug } from "../bug.ts";

export const lostTrackOfLeases: HistoricBug = {
  name: "#14019",
  row: 18,
  versions: "3.5",
  title: "leases are listed that nobody can revoke",
  story:
    "A day after the last client had gone a cluster still listed its leases of five seconds, and revoking any of them failed: there was no such lease. A lease that is listed can be revoked, and one that was revoked does not come back, by a restart least of all.",
  patches: [
    { file: "kvstore/lease/lessor.ts", find: '    this.#backend.delete("lease", leaseKey(id));\n', replace: "" },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/lease/lessor.test.ts",
    name: "that were revoked stay so over a restart: what is listed can be revoked",
  },
};
