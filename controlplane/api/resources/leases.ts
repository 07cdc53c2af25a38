import { leaseColumns } from "../printers/config.ts";
import { Lease } from "../types/coordination.ts";
import { validateLease } from "../validation/others.ts";
import { resource } from "./resource.ts";

export const leases = resource<Lease>(Lease, {
  plural: "leases",
  scope: "Namespaced",
  hash: "gqkMMb/YqFM=",
  columns: leaseColumns,
  strategy: { validate: validateLease, allowCreateOnUpdate: true, refuseUnconditionalUpdate: true },
});
