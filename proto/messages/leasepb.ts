import { bigInt64, int64 } from "../wire/field.ts";
import { type Infer, message } from "../wire/message.ts";

export const Lease = message("leasepb.Lease", { id: bigInt64(1), ttl: int64(2), remainingTTL: int64(3) });
export type Lease = Infer<typeof Lease>;
