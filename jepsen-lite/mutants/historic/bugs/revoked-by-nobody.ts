import type { HistoricBug } from "../bug.ts";

export const revokedByNobody: HistoricBug = {
  name: "#13975",
  row: 18,
  versions: "3.5.0",
  title: "with auth enabled the leader is not allowed to end leases",
  story:
    "Leases run out by a request that the leader makes of itself. Its token had become invalid, the request was refused each time, and leases stood at -644,865 s with all their keys. What the cluster needs done is done in root's name, whoever is logged in.",
  patches: [
    {
      file: "kvstore/server/proposals.ts",
      find: "const header = auth.self === undefined ? { id } : { ...auth.self, id };",
      replace: 'const header = auth.self === undefined ? { id } : { username: "", authRevision: 0, id };',
    },
  ],
  scenario: {
    kind: "test",
    file: "jepsen-lite/mutants/historic/cluster.test.ts",
    name: "leases run out while auth is enabled, with all that hangs on them",
  },
};
