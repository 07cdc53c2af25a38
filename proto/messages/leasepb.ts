import { bigInt64, int64, named } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";

export const Lease = message("leasepb.Lease", {
  id: named("ID", bigInt64(1)),
  ttl: named("TTL", int64(2)),
  remainingTTL: named("RemainingTTL", int64(3)),
});
export type Lease = Infer<typeof Lease>;
