import { Lease } from "../types/coordination.ts";
import { resource } from "./resource.ts";

export const leases = resource<Lease>(Lease, {
  plural: "leases",
  scope: "Namespaced",
  hash: "gqkMMb/YqFM=",
  strategy: { allowCreateOnUpdate: true },
});
