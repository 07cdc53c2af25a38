import type { HistoricBug } from "../bug.ts";

export const revokedCertificate: HistoricBug = {
  name: "GHSA-3wh4-j44w-pg92",
  row: 23,
  versions: "see the advisory",
  title: "a client whose certificate was revoked is let in",
  story: "A certificate on the revocation list is refused at the handshake, whatever its authority says of it.",
  patches: [
    {
      file: "kvstore/tls/verify.ts",
      find: "  if (revoked !== undefined) return revoked;\n",
      replace: "",
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/tls/tls.test.ts",
    name: "refuses who is revoked, and whoever comes while the list cannot be read",
  },
};
