import type { HistoricBug } from "../bug.ts";

export const renewalOfRevoked: HistoricBug = {
  name: "#20615",
  row: 17,
  versions: "3.5, 3.6",
  title: "a renewal that races with a revocation reports success",
  story:
    "The lease was there when the renewal looked, was revoked while that waited for its checkpoint, and the client was told that it lives. A renewal looks again before it promises.",
  patches: [
    {
      file: "kvstore/lease/lessor.ts",
      find: '      if (this.#leases.get(id) !== lease) return fail("LeaseNotFound");\n',
      replace: "",
    },
  ],
  scenario: {
    kind: "test",
    file: "kvstore/lease/lessor.test.ts",
    name: "a lease that is revoked while its renewal is on its way into the log fails",
  },
};
